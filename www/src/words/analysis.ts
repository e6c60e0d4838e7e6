/** Visible text of the analysis page. */

import { decimal, spoken } from ".";
import type { ReadGame } from "../protocol";
import type { LostPart, SetupProblem } from "../records";
import type { EndReason, LineEnd } from "../rules";
import { pieceKind, squareWord } from "./names";
import { SIDES } from "./parts";

type Side = 0 | 1;
const name = (side: Side): string => SIDES[side];
const other = (side: Side): Side => (side === 0 ? 1 : 0);
const counted = (count: number, one: string): string => `${decimal(count)} ${one}${count === 1 ? "" : "s"}`;

/** How a line ends, by the side to move there. */
export const LINE_ENDS: Record<Exclude<LineEnd, "other">, (side: Side) => string> = spoken(
  {
    resign: (side: Side) => `${name(side)} resigns`,
    interrupt: () => "The game breaks off",
    impasse: () => "Draw by impasse",
    draw: () => "Draw",
    repetition: () => "Draw by fourfold repetition",
    mate: (side: Side) => `${name(side)} is mated`,
    no_mate: () => "No mate",
    time_up: (side: Side) => `${name(side)} loses on time`,
    illegal_win: (side: Side) => `${name(side)} wins: ${name(other(side))} made an illegal move`,
    illegal_loss: (side: Side) => `${name(side)} loses by an illegal move`,
    declaration: (side: Side) => `${name(side)} declares a win by entering king`,
    win_by_default: (side: Side) => `${name(side)} wins by default`,
    loss_by_default: (side: Side) => `${name(side)} loses by default`,
    max_moves: () => "Limit of moves",
    taken_back: () => "Move taken back",
    error: () => "The game ended by an error",
  } satisfies Record<Exclude<LineEnd, "other">, (side: Side) => string>,
  {
    resign: (side) => `${name(side)}の投了`,
    interrupt: () => "中断",
    impasse: () => "持将棋",
    draw: () => "引き分け",
    repetition: () => "千日手",
    mate: (side) => `${name(side)}の玉が詰み`,
    no_mate: () => "不詰",
    time_up: (side) => `${name(side)}の時間切れ負け`,
    illegal_win: (side) => `${name(other(side))}の反則で${name(side)}の勝ち`,
    illegal_loss: (side) => `${name(side)}の反則負け`,
    declaration: (side) => `${name(side)}の入玉宣言勝ち`,
    win_by_default: (side) => `${name(side)}の不戦勝`,
    loss_by_default: (side) => `${name(side)}の不戦敗`,
    max_moves: () => "手数制限",
    taken_back: () => "待った",
    error: () => "エラーにより終了",
  },
);

/** Short words for the list of moves. */
export const SHORT_ENDS: Record<Exclude<LineEnd, "other">, string> = spoken(
  {
    resign: "resigns",
    interrupt: "breaks off",
    impasse: "impasse",
    draw: "draw",
    repetition: "repetition",
    mate: "mate",
    no_mate: "no mate",
    time_up: "time up",
    illegal_win: "wins by foul",
    illegal_loss: "illegal move",
    declaration: "declares",
    win_by_default: "wins by default",
    loss_by_default: "loses by default",
    max_moves: "move limit",
    taken_back: "taken back",
    error: "error",
  },
  {
    resign: "投了",
    interrupt: "中断",
    impasse: "持将棋",
    draw: "引き分け",
    repetition: "千日手",
    mate: "詰み",
    no_mate: "不詰",
    time_up: "切れ負け",
    illegal_win: "反則勝ち",
    illegal_loss: "反則負け",
    declaration: "入玉宣言",
    win_by_default: "不戦勝",
    loss_by_default: "不戦敗",
    max_moves: "手数制限",
    taken_back: "待った",
    error: "エラー",
  },
);

const REASONS: Record<EndReason, string> = spoken(
  {
    checkmate: "checkmate",
    no_legal_move: "no legal move",
    repetition: "fourfold repetition",
    perpetual_check: "perpetual check",
    declaration: "declaration",
    resignation: "resignation",
    max_plies: "the limit of moves",
    forfeit: "an illegal move",
  } satisfies Record<EndReason, string>,
  {
    checkmate: "詰み",
    no_legal_move: "合法手なし",
    repetition: "千日手",
    perpetual_check: "連続王手の千日手",
    declaration: "入玉宣言",
    resignation: "投了",
    max_plies: "手数制限",
    forfeit: "反則",
  },
);

/** Result by the rules, in words. */
export const reasonText: (reason: EndReason, winner: Side | null) => string = spoken(
  (reason: EndReason, winner: Side | null): string => (winner === null ? `draw by ${REASONS[reason]}` : `${name(winner)} wins by ${REASONS[reason]}`),
  (reason, winner) => (winner === null ? `${REASONS[reason]}で引き分け` : `${REASONS[reason]}で${name(winner)}の勝ち`),
);

const howEnded = (end: LineEnd | undefined): string | undefined => (end === undefined || end === "other" ? undefined : SHORT_ENDS[end]);

const resultText: (end: LineEnd | undefined, winner: number | undefined) => string = spoken(
  (end: LineEnd | undefined, winner: number | undefined): string => {
    const how = howEnded(end);
    if (winner === undefined) return how ?? "unfinished";
    return `${name(winner === 0 ? 0 : 1)} wins${how === undefined ? "" : ` (${how})`}`;
  },
  (end, winner) => {
    const how = howEnded(end);
    if (winner === undefined) return how ?? "未完";
    return `${name(winner === 0 ? 0 : 1)}の勝ち${how === undefined ? "" : `（${how}）`}`;
  },
);

export const bookmark = (name: string | undefined): string => (name === undefined ? "" : `⚑ ${name}`);

/** Time of a move; empty if it is not known. */
export function clock(milliseconds: number | undefined): string {
  if (milliseconds === undefined) return "";
  const seconds = Math.floor(milliseconds / 1000);
  const two = (value: number): string => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

export const LOST_PARTS: Record<LostPart, (count: number) => string> = spoken(
  {
    variations: (count: number) => counted(count, "variation"),
    comments: (count: number) => counted(count, "comment"),
    evaluations: (count: number) => counted(count, "evaluation"),
    bookmarks: (count: number) => counted(count, "bookmark"),
    times: (count: number) => counted(count, "time"),
    fractions: (count: number) => `${counted(count, "fraction")} of a second`,
    headers: (count: number) => counted(count, "header"),
    ends: (count: number) => counted(count, "end"),
    illegal_moves: (count: number) => counted(count, "illegal move"),
  } satisfies Record<LostPart, (count: number) => string>,
  {
    variations: (count) => `変化${decimal(count)}件`,
    comments: (count) => `コメント${decimal(count)}件`,
    evaluations: (count) => `評価${decimal(count)}件`,
    bookmarks: (count) => `しおり${decimal(count)}件`,
    times: (count) => `消費時間${decimal(count)}件`,
    fractions: (count) => `1秒未満の端数${decimal(count)}件`,
    headers: (count) => `対局情報${decimal(count)}件`,
    ends: (count) => `終局${decimal(count)}件`,
    illegal_moves: (count) => `反則手${decimal(count)}件`,
  },
);

const NO_PLAYER = "–";

export const GAME = spoken(
  {
    sentences: (sentences: readonly string[]): string => sentences.join(" "),
    start: (side: Side): string => `Start. ${name(side)} to move.`,
    moved: (ply: number, side: Side, text: string): string => `${ply}. ${name(side)}: ${text}.`,
    check: "Check.",
    end: (text: string): string => `End: ${text}.`,
    lineEnds: "End of the line.",
    illegal: (ply: number, side: Side, text: string): string => `${ply}. ${name(side)}: ${text}, an illegal move.`,
    illegalShort: "(illegal)",
    preview: (texts: string): string => `Preview: ${texts}. Enter or a click plays it.`,
    noPlayer: NO_PLAYER,
    untitled: "Untitled game",
    own: "New game",
    ofSite: "games of this agent",
    ofShipped:
      "Games between the agents of this site, each without search: every two met twenty times, in ten openings of six random moves, with both colours.",
    lastOfPlay: "your game",
    /** Entry of a list of games; players who are the same in every game say nothing. */
    entry: (number: number, { black, white, plies, end, winner }: ReadGame): string => {
      const result = `${resultText(end, winner)}, ${counted(plies, "move")}`;
      if (black === white) return `${number}. ${result}${black === "" ? "" : ` (${black})`}`;
      return `${number}. ${black || NO_PLAYER} – ${white || NO_PLAYER}: ${result}`;
    },
    summary: (result: string, plies: number): string => `${result}, ${counted(plies, "move")}`,
    open: "unfinished",
    wins: (side: Side): string => `${name(side)} wins`,
    drawn: "draw",
    sliderStart: "start",
    alternatives: (count: number): string => `${counted(count, "alternative")} (↑ ↓).`,
    removed: "Removed.",
    notStarted: "The page could not start.",
    promoted: "This is the main line now.",
  },
  {
    sentences: (sentences) => sentences.join(""),
    start: (side) => `開始局面。${name(side)}の手番です。`,
    moved: (ply, side, text) => `${ply}手目 ${/^[▲△]/.test(text) ? text : `${name(side)} ${text}`}。`,
    check: "王手。",
    end: (text) => `${text}。`,
    lineEnds: "ここで終わりです。",
    illegal: (ply, side, text) => `${ply}手目 ${/^[▲△]/.test(text) ? text : `${name(side)} ${text}`}（反則）。`,
    illegalShort: "（反則）",
    preview: (texts) => `読み筋：${texts}。Enterかクリックで指します。`,
    noPlayer: NO_PLAYER,
    untitled: "無題の棋譜",
    own: "新しい棋譜",
    ofSite: "このAIの棋譜",
    ofShipped:
      "このサイトのAI同士の対局（探索なし）。総当たりで各組20局、ランダムな6手で始まる10通りの序盤を先後入れ替えて指しました。",
    lastOfPlay: "あなたの対局",
    entry: (number, { black, white, plies, end, winner }) => {
      const result = `${decimal(plies)}手、${resultText(end, winner)}`;
      if (black === white) return `${number}. ${result}${black === "" ? "" : `（${black}）`}`;
      return `${number}. ${black || NO_PLAYER} – ${white || NO_PLAYER}：${result}`;
    },
    summary: (result, plies) => `${decimal(plies)}手、${result}`,
    open: "未完",
    wins: (side) => `${name(side)}の勝ち`,
    drawn: "引き分け",
    sliderStart: "開始局面",
    alternatives: (count) => `ほかの手${decimal(count)}件（↑ ↓）。`,
    removed: "削除しました。",
    notStarted: "ページを開始できませんでした。",
    promoted: "この変化を本譜にしました。",
  },
);

export const NETWORK = spoken(
  {
    none: "No network",
    waiting: "The network",
    noneHint: "Open a model file to see what a network thinks.",
    loading: "loading",
    ready: "ready",
    passing: (done: number, total: number): string => `${done} / ${total}`,
    searching: "searching",
    failed: "stopped",
    start: "Analyse",
    stop: "Stop",
    glance: "one look",
    visits: (count: number): string => counted(count, "visit"),
    recorded: "from the record",
    result: "the result",
    thinking: "looking…",
    unknown: "no estimate here",
    series: "Network",
    searchSeries: "Search",
    recordSeries: "Record",
    searchNote: (visits: number): string =>
      visits === 0 ? "The network's first look. “Analyse” searches the position." : `${counted(visits, "visit")}. Lines play out on the board.`,
    policyAll: "All legal moves by the network's probability.",
    policyPiece: (square: string): string => `Moves of the piece on ${square}.`,
    policyHand: (piece: string): string => `Drops of the ${piece}.`,
    could: (text: string): string => `The network could not answer: ${text}`,
  },
  {
    none: "ネットワークなし",
    waiting: "ネットワーク",
    noneHint: "モデルのファイルを開くと、ネットワークの読みが表示されます。",
    loading: "読み込み中",
    ready: "準備完了",
    passing: (done, total) => `${done}／${total}`,
    searching: "探索中",
    failed: "停止",
    start: "検討",
    stop: "停止",
    glance: "一目の評価",
    visits: (count) => `探索数${decimal(count)}`,
    recorded: "棋譜の評価",
    result: "対局結果",
    thinking: "読んでいます…",
    unknown: "評価はありません",
    series: "ネットワーク",
    searchSeries: "探索",
    recordSeries: "棋譜",
    searchNote: (visits) =>
      visits === 0 ? "ネットワークの一目の評価です。「検討」で局面を探索します。" : `探索数${decimal(visits)}。読み筋は盤上で再現できます。`,
    policyAll: "すべての合法手と、ネットワークが付けた確率。",
    policyPiece: (square) => `${square}の駒の手。`,
    policyHand: (piece) => `${piece}を打つ手。`,
    could: (text) => `ネットワークが答えられませんでした：${text}`,
  },
);

export const RATING = spoken(
  {
    wait: "The network looks at it…",
    best: "The network’s own choice.",
    good: (best: string | undefined): string => (best === undefined ? "A good move." : `A good move; the network prefers ${best}.`),
    grade: (grade: string, points: number, best: string | undefined): string =>
      `${grade.charAt(0).toUpperCase()}${grade.slice(1)}: −${points} points${best === undefined ? "" : `; the network prefers ${best}`}.`,
  },
  {
    wait: "ネットワークが評価しています…",
    best: "ネットワークと同じ手です。",
    good: (best) => (best === undefined ? "好手です。" : `好手です。ネットワークの第一候補は${best}。`),
    grade: (grade, points, best) => `${grade}：勝率−${points}ポイント。${best === undefined ? "" : `ネットワークの第一候補は${best}。`}`,
  },
);

export const OPENING = spoken(
  {
    title: "Open a game",
    choose: "Choose a file…",
    chooseHint: "KIF, KI2, CSA, JKF, USI, SFEN, USEN or .record; a file can also be dropped anywhere.",
    paste: "Paste from the clipboard",
    text: "Text of a game or a position",
    openText: "Open the text",
    url: "Address of a game file",
    openUrl: "Fetch",
    saved: "Saved in this browser",
    site: "Games of this site’s agent",
    fresh: "New empty game",
    delete: (title: string): string => `Delete ${title}`,
    none: "Nothing is saved yet.",
    reading: (title: string): string => `Reading ${title}…`,
    failed: (title: string, text: string): string => `${title} could not be opened: ${text}`,
    noText: "The clipboard holds no text.",
    noClipboard: (text: string): string => `The clipboard cannot be read here (${text}). Use Ctrl+V on the page, or the field for text.`,
    noGames: "no game was found in it",
    tooLarge: (bytes: number, most: number): string => `it has ${decimal(bytes)} bytes, more than the ${decimal(most)} that a game file may have`,
    badAddress: "that is no address of a file",
    scheme: (scheme: string): string => `addresses that begin with ${scheme} are not fetched`,
    answered: (status: number): string => `the server answered ${status}`,
    elsewhere: (host: string): string => `it lies on ${host}, and this page talks to its own site only. Download the file and open it here, or paste its text.`,
    blocked: "the server cannot be reached",
    htmlPage: "the address leads to a web page, not to a game file",
    pasted: "pasted text",
    pageFailed: (text: string): string => `The page could not start: ${text}`,
    defects: (count: number): string => `${counted(count, "defect")} in this file; the readable part is open`,
    badPly: (ply: number, last: number): string => `The address names move ${ply}, but the game has ${last}.`,
    badLink: (text: string): string => `The game in the address could not be read: ${text}.`,
    badSaved: (text: string): string => `The saved game could not be opened: ${text}.`,
    exampleFailed: (text: string): string => `The games of this site could not be loaded: ${text}`,
  },
  {
    title: "棋譜を開く",
    choose: "ファイルを選ぶ…",
    chooseHint: "KIF、KI2、CSA、JKF、USI、SFEN、USEN、.record。ファイルはページのどこにでもドロップできます。",
    paste: "クリップボードから貼り付け",
    text: "棋譜または局面のテキスト",
    openText: "テキストを開く",
    url: "棋譜ファイルのアドレス",
    openUrl: "取得",
    saved: "このブラウザーに保存した棋譜",
    site: "このサイトのAIの棋譜",
    fresh: "新しい棋譜",
    delete: (title) => `${title}を削除`,
    none: "保存した棋譜はまだありません。",
    reading: (title) => `${title}を読み込んでいます…`,
    failed: (title, text) => `${title}を開けませんでした：${text}`,
    noText: "クリップボードにテキストがありません。",
    noClipboard: (text) => `ここではクリップボードを読めません（${text}）。ページ上でCtrl+Vを押すか、テキスト欄を使ってください。`,
    noGames: "棋譜が見つかりません",
    tooLarge: (bytes, most) => `${decimal(bytes)}バイトあり、棋譜ファイルの上限（${decimal(most)}バイト）を超えています`,
    badAddress: "ファイルのアドレスではありません",
    scheme: (scheme) => `${scheme} で始まるアドレスからは取得しません`,
    answered: (status) => `サーバーの応答：${status}`,
    elsewhere: (host) => `${host}にあります。このページは自分のサイトとしか通信しません。ファイルをダウンロードして開くか、テキストを貼り付けてください。`,
    blocked: "サーバーに接続できません",
    htmlPage: "アドレスは棋譜ファイルではなくウェブページを指しています",
    pasted: "貼り付けたテキスト",
    pageFailed: (text) => `ページを開始できませんでした：${text}`,
    defects: (count) => `このファイルには問題が${decimal(count)}件あります（読める部分を開いています）`,
    badPly: (ply, last) => `アドレスは${ply}手目を指していますが、棋譜は${last}手までです。`,
    badLink: (text) => `アドレスの棋譜を読めませんでした：${text}。`,
    badSaved: (text) => `保存した棋譜を開けませんでした：${text}。`,
    exampleFailed: (text) => `このサイトの棋譜を読み込めませんでした：${text}`,
  },
);

export const SAVING = spoken(
  {
    title: "Save and share",
    format: "Format",
    formats: {
      kif: "KIF (UTF-8)",
      "kif-sjis": "KIF (Shift_JIS)",
      ki2: "KI2",
      csa2: "CSA 2.2",
      csa3: "CSA 3",
      jkf: "JKF",
      usi: "USI",
      usen: "USEN",
      record: "Keisei .record",
      svg: "Diagram (SVG)",
    },
    complete: "Everything is kept.",
    lost: (parts: readonly string[]): string => `Left out: ${parts.join(", ")}.`,
    mainLine: "The diagram shows the position on the board.",
    opinions: "With the network's evaluations",
    download: "Download",
    copy: "Copy text",
    copySfen: "Copy SFEN",
    copyLink: "Copy link",
    sfenName: "SFEN",
    linkName: "Link",
    copied: (what: string): string => `${what} copied.`,
    failed: (text: string): string => `It could not be saved: ${text}`,
    numbered: (letters: string): string => `Shift_JIS has no ${letters}; they are written as numbers, which this page reads back.`,
    diagramTitle: (ply: number): string => (ply === 0 ? "Shogi position" : `Shogi position after ${counted(ply, "move")}`),
    close: "Close",
  },
  {
    title: "保存と共有",
    format: "形式",
    formats: {
      kif: "KIF（UTF-8）",
      "kif-sjis": "KIF（Shift_JIS）",
      ki2: "KI2",
      csa2: "CSA 2.2",
      csa3: "CSA 3",
      jkf: "JKF",
      usi: "USI",
      usen: "USEN",
      record: "Keisei .record",
      svg: "局面図（SVG）",
    },
    complete: "すべて保存されます。",
    lost: (parts) => `保存されないもの：${parts.join("、")}。`,
    mainLine: "盤上の局面を図にします。",
    opinions: "ネットワークの評価を含める",
    download: "ダウンロード",
    copy: "テキストをコピー",
    copySfen: "SFENをコピー",
    copyLink: "リンクをコピー",
    sfenName: "SFEN",
    linkName: "リンク",
    copied: (what) => `${what}をコピーしました。`,
    failed: (text) => `保存できませんでした：${text}`,
    numbered: (letters) => `Shift_JISにない文字（${letters}）は番号で書かれます。このページでは元の文字に戻ります。`,
    diagramTitle: (ply) => (ply === 0 ? "将棋の局面" : `将棋の局面（${decimal(ply)}手目）`),
    close: "閉じる",
  },
);

export const PLAYING_ON = spoken(
  {
    title: "Play on from here",
    black: "Play Black against the agent",
    white: "Play White against the agent",
    both: "Agent against agent, here",
    bothHint: "The moves become a new branch of this game.",
    stop: "Stop the game",
    button: "Play on…",
    notHanded: "The position could not be handed to Play: this browser stores nothing for this site. Copy the link, and open it there.",
    over: "The game is over in this position.",
    close: "Close",
  },
  {
    title: "ここから指し継ぐ",
    black: "先手を持ってAIと対局",
    white: "後手を持ってAIと対局",
    both: "ここでAI同士の対局",
    bothHint: "指し手はこの棋譜の新しい変化になります。",
    stop: "対局を止める",
    button: "指し継ぐ…",
    notHanded: "対局ページに局面を渡せませんでした。このブラウザーはこのサイトのデータを保存しません。リンクをコピーして対局ページで開いてください。",
    over: "この局面で対局は終わっています。",
    close: "閉じる",
  },
);

export const EDITOR = spoken(
  {
    title: "Set up a position",
    start: "Start from",
    sfen: "SFEN",
    apply: "Analyse this position",
    cancel: "Cancel",
    sure: "Sure?",
    current: "Position on the board",
    turn: "To move",
    hint: "Click or drag pieces; the box has more. Delete removes, + promotes, t turns a piece.",
    invalid: (text: string): string => `Not a position to play from: ${text}`,
  },
  {
    title: "盤面編集",
    start: "元の局面",
    sfen: "SFEN",
    apply: "この局面を検討",
    cancel: "やめる",
    sure: "本当に？",
    current: "盤上の局面",
    turn: "手番",
    hint: "駒をクリックまたはドラッグします。駒箱にも駒があります。Deleteで取り除き、+で成り、tで向きを変えます。",
    invalid: (text) => `対局できない局面です：${text}`,
  },
);

const sideOf = (place: number): string => name(place === 1 ? 1 : 0);

const SETUP_PROBLEMS: Record<SetupProblem, (place: number) => string> = spoken(
  {
    no_king: (place: number) => `${sideOf(place)} has no king.`,
    two_kings: (place: number) => `${sideOf(place)} has more than one king.`,
    too_many: (place: number) => `There are too many of the kind ${pieceKind(place)}.`,
    two_pawns: (place: number) => `Two pawns of one side stand on one file (${squareWord(place)}).`,
    dead_piece: (place: number) => `The piece on ${squareWord(place)} could never move.`,
    opponent_in_check: (place: number) => `The side that is not to move is in check by the piece on ${squareWord(place)}.`,
  } satisfies Record<SetupProblem, (place: number) => string>,
  {
    no_king: (place) => `${sideOf(place)}の玉がありません。`,
    two_kings: (place) => `${sideOf(place)}の玉が2枚以上あります。`,
    too_many: (place) => `${pieceKind(place)}の枚数が多すぎます。`,
    two_pawns: (place) => `二歩です（${squareWord(place)}）。`,
    dead_piece: (place) => `${squareWord(place)}の駒は行き所がありません。`,
    opponent_in_check: (place) => `手番でない側の玉に、${squareWord(place)}の駒で王手がかかっています。`,
  },
);

/** What keeps a set-up position from being one to play from; the place depends on the problem. */
export const setupFault = ({ problem, place }: { problem: SetupProblem; place: number }): string => SETUP_PROBLEMS[problem](place);

/** Name of a start position. */
export const handicapName: (id: string, japanese: string) => string = spoken(
  (id: string, japanese: string): string => HANDICAPS[id] ?? japanese,
  (_, japanese) => japanese,
);

const HANDICAPS: Record<string, string> = {
  even: "Even game",
  lance: "Lance",
  right_lance: "Right lance",
  bishop: "Bishop",
  rook: "Rook",
  rook_lance: "Rook and lance",
  two_piece: "Two pieces",
  three_piece: "Three pieces",
  four_piece: "Four pieces",
  five_piece: "Five pieces",
  left_five_piece: "Five pieces (left)",
  six_piece: "Six pieces",
  left_seven_piece: "Seven pieces (left)",
  right_seven_piece: "Seven pieces (right)",
  eight_piece: "Eight pieces",
  ten_piece: "Ten pieces",
};
