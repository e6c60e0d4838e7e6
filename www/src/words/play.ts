/** Visible text of the Play page, and of the parts that it shares: clock and typed moves. */

import { decimal, spoken } from ".";
import type { TypedProblem } from "../records";
import type { IllegalReason } from "../rules";
import { squareWord } from "./names";
import { SIDES } from "./parts";
import { reasonWord } from "./ends";

export const COLORS = SIDES;

const minutes = (seconds: number): string => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Words of the clock and of the field for typed moves. */
export const partWords = spoken(
  {
    colors: ["Black", "White"],
    time: (seconds: number): string => (seconds < 3600 ? minutes(seconds) : `${Math.floor(seconds / 3600)}:${minutes(seconds % 3600).padStart(5, "0")}`),
    byoyomi: (seconds: number): string => `byoyomi ${seconds}`,
    secondsLeft: (seconds: number): string => (seconds <= 1 ? "1 second left" : `${seconds} seconds left`),
    typeMove: "Type a move, such as 7g7f, P*5e, P-7f or 76歩",
    playTyped: "Play it",
  },
  {
    colors: ["先手", "後手"],
    time: (seconds) => (seconds < 3600 ? minutes(seconds) : `${Math.floor(seconds / 3600)}:${minutes(seconds % 3600).padStart(5, "0")}`),
    byoyomi: (seconds) => `秒読み${seconds}秒`,
    secondsLeft: (seconds) => `残り${Math.max(1, seconds)}秒`,
    typeMove: "指し手を入力（例：76歩、5五角打、7g7f、P-7f）",
    playTyped: "指す",
  },
);

/** Levels by what they feel like, weakest first; `levels.ts` says how each of them plays. */
export const levelWords = spoken(
  [
    { name: "First games", about: "often plays the first move that comes to mind" },
    { name: "Gentle", about: "overlooks a lot" },
    { name: "Casual", about: "plays at a glance and overlooks some" },
    { name: "Even", about: "plays its best guess without looking ahead" },
    { name: "Sharp", about: "looks a few moves ahead" },
    { name: "Strong", about: "looks further ahead, up to three seconds a move" },
    { name: "Full", about: "looks as far ahead as it can, up to five seconds a move" },
  ],
  [
    { name: "はじめて", about: "思いついた手をよく指します" },
    { name: "やさしい", about: "見落としが多めです" },
    { name: "気軽に", about: "一目で指し、ときどき見落とします" },
    { name: "ふつう", about: "先を読まず、最善と思う手を指します" },
    { name: "鋭い", about: "数手先を読みます" },
    { name: "強い", about: "1手に最長3秒、さらに先を読みます" },
    { name: "全力", about: "1手に最長5秒、読めるだけ読みます" },
  ],
);

export const playWords = spoken(
  {
    colors: ["Black", "White"],
    you: "You",
    agent: "The agent",
    agentAt: (name: string, level: string): string => `${name} (${level.toLowerCase()})`,
    selfTaught: "Self-taught agent",

    // --- status line
    moved: (side: string, text: string): string => `${side}: ${text}.`,
    sentences: (sentences: readonly string[]): string => sentences.join(" "),
    over: "The game is over.",
    check: "Check!",
    toMove: (side: string): string => `${side} to move.`,
    yourTurn: (side: string): string => `Your turn (${side}).`,
    thinking: "The agent is thinking",
    sideThinking: (side: string): string => `${side} is thinking`,
    waiting: "The agent answers as soon as it is loaded.",
    paused: "Paused.",
    fromAddress: "This game came from its address; continue when you like.",
    restarted: "The agent had stopped and was started again.",
    reviewing: (ply: number, plies: number): string => `Position ${ply === 0 ? "before the first move" : `after move ${ply}`} of ${plies}. The game goes on at the end.`,
    levelFrom: (level: string): string => `From its next move on the agent plays at ${level}.`,
    copied: "Copied: the address shows this game at this position.",
    hint: (text: string, rest: string, share: string): string => `Hint: ${text}${rest === "" ? "" : `, then ${rest}`}${share}.`,
    hintShare: (percent: number): string => ` (${percent} % for you)`,
    hintDeclare: "Hint: you can declare a win.",
    takenBack: "Taken back.",
    newGame: "A new game begins; the one before is kept under Saved.",
    timeStood: "Time does not run while the page is closed.",

    // --- the end
    youWin: "You win",
    agentWins: "The agent wins",
    sideWins: (side: string): string => `${side} wins`,
    draw: "Draw",
    noResult: (plies: number): string => `No result after ${decimal(plies)} moves`,
    endReason: (reason: string, plies: number): string =>
      reason === "max_plies" ? "the limit of moves was reached" : `by ${reasonWord(reason)}, after ${decimal(plies)} ${plies === 1 ? "move" : "moves"}`,
    playAgain: "Play again",
    analyse: "Analyse the game",

    // --- the agent
    noAgent: "No agent",
    noAgentAbout: "You move for both sides. Open a model file to have an opponent.",
    loading: "loading",
    none: "none",
    ready: "ready",
    busy: "thinking",
    pausedChip: "paused",
    loadingAbout: (loaded: string, total: string): string => `Loading the agent: ${loaded}${total === "" ? "" : ` of ${total}`}`,
    noEstimate: "no estimate yet",
    looking: "looking…",
    notLooked: "not looked at",
    decided: "the game is over",
    glance: "at a glance",
    visits: (count: number): string => `${decimal(count)} visits`,
    levelText: (name: string, elo: number | undefined): string => (elo === undefined ? name : `${name} · Elo ${Math.round(elo)}`),
    levelOf: (side: string): string => `${side}'s strength`,
    strength: "Strength",
    openSecond: "Open a second model for White",
    secondModel: (name: string): string => `White plays ${name}; open another`,

    // --- buttons
    resign: "Resign",
    sure: "Sure?",
    pause: "Pause",
    goOn: "Continue",

    // --- new game
    clocks: { none: "No clock", own: "Own times…" },
    clockName: (main: number, byoyomi: number, increment: number): string => {
      const parts = [main >= 60 && main % 60 === 0 ? `${main / 60} min` : main > 0 ? `${main} s` : ""];
      if (byoyomi > 0) parts.push(`${byoyomi} s byoyomi`);
      if (increment > 0) parts.push(`${increment} s a move`);
      return parts.filter((part) => part !== "").join(" + ");
    },
    evenGame: "Even game",
    /** Name of a handicap, whose id says which pieces White plays without; with its Japanese name for those who read kanji. */
    handicap: (id: string, japanese: string, kanji: boolean): string => `${sentence(id.replaceAll("_", " "))}${kanji ? ` (${japanese})` : ""}`,

    // --- problems
    couldNotMove: (why: string): string => `The agent could not move: ${why}. You can move for both sides, or open another model.`,
    couldNotRead: (why: string): string => `The move could not be read: ${why}`,
    couldNotSave: (why: string): string => `The game could not be saved: ${why}`,
    couldNotStart: (why: string): string => `The page could not start: ${why}`,
    couldNotRestore: (why: string): string => `The saved game could not be continued, and stays in the list: ${why}`,
    badLink: (why: string): string => `The game in the address could not be opened: ${why}`,
    notYourTurn: "It is not your turn.",
    readOnly: "This is an earlier position: go back to the game, or play on from here.",
    badPly: (ply: number, last: number): string => `The address asks for the position after move ${ply}, but the game has ${last} moves.`,
    notHanded: (why: string): string => `The game could not be handed over: ${why}`,
    notStarted: "The page could not start.",
    nothingHere: "The game that the address names is not in this browser.",
  },
  {
    colors: ["先手", "後手"],
    you: "あなた",
    agent: "AI",
    agentAt: (name, level) => `${name}（${level}）`,
    selfTaught: "自己学習AI",

    moved: (side, text) => (/^[▲△]/.test(text) ? `${text}。` : `${side} ${text}。`),
    sentences: (sentences) => sentences.join(""),
    over: "対局は終わりました。",
    check: "王手！",
    toMove: (side) => `${side}の手番です。`,
    yourTurn: (side) => `あなたの番です（${side}）。`,
    thinking: "AIが考えています",
    sideThinking: (side) => `${side}が考えています`,
    waiting: "AIは読み込みが終わりしだい指します。",
    paused: "一時停止中。",
    fromAddress: "アドレスの棋譜を開きました。いつでも続けられます。",
    restarted: "AIが停止したため、再起動しました。",
    reviewing: (ply, plies) => `${ply === 0 ? "開始局面" : `${ply}手目の局面`}（全${plies}手）。対局は最後の局面から続きます。`,
    levelFrom: (level) => `AIは次の手から「${level}」で指します。`,
    copied: "コピーしました。このアドレスでこの局面が開きます。",
    hint: (text, rest, share) => `ヒント：${text}${rest === "" ? "" : ` → ${rest}`}${share}。`,
    hintShare: (percent) => `（勝率${percent}%）`,
    hintDeclare: "ヒント：入玉宣言で勝てます。",
    takenBack: "待ったをしました。",
    newGame: "新しい対局です。前の対局は「保存」にあります。",
    timeStood: "ページを閉じている間、時間は進みません。",

    youWin: "あなたの勝ち",
    agentWins: "AIの勝ち",
    sideWins: (side) => `${side}の勝ち`,
    draw: "引き分け",
    noResult: (plies) => `${decimal(plies)}手で勝敗つかず`,
    endReason: (reason, plies) => (reason === "max_plies" ? "手数の上限に達しました" : `${decimal(plies)}手まで、${reasonWord(reason)}`),
    playAgain: "もう一局",
    analyse: "検討する",

    noAgent: "AIなし",
    noAgentAbout: "両方の手を指せます。モデルのファイルを開くと相手ができます。",
    loading: "読み込み中",
    none: "なし",
    ready: "準備完了",
    busy: "考慮中",
    pausedChip: "停止中",
    loadingAbout: (loaded, total) => `AIを読み込んでいます：${loaded}${total === "" ? "" : `／${total}`}`,
    noEstimate: "評価はまだありません",
    looking: "読んでいます…",
    notLooked: "評価していません",
    decided: "対局は終わりました",
    glance: "一目の評価",
    visits: (count) => `探索数${decimal(count)}`,
    levelText: (name, elo) => (elo === undefined ? name : `${name}・Elo ${Math.round(elo)}`),
    levelOf: (side) => `${side}の強さ`,
    strength: "強さ",
    openSecond: "後手用に別のモデルを開く",
    secondModel: (name) => `後手は${name}（別のモデルを開く）`,

    resign: "投了",
    sure: "本当に？",
    pause: "一時停止",
    goOn: "続ける",

    clocks: { none: "時計なし", own: "時間を決める…" },
    clockName: (main, byoyomi, increment) => {
      const parts = [main >= 60 && main % 60 === 0 ? `${main / 60}分` : main > 0 ? `${main}秒` : ""];
      if (byoyomi > 0) parts.push(`秒読み${byoyomi}秒`);
      if (increment > 0) parts.push(`1手${increment}秒加算`);
      return parts.filter((part) => part !== "").join("＋");
    },
    evenGame: "平手",
    handicap: (_, japanese) => japanese,

    couldNotMove: (why) => `AIが指せませんでした：${why}。両方の手を指すか、別のモデルを開いてください。`,
    couldNotRead: (why) => `指し手を読み取れませんでした：${why}`,
    couldNotSave: (why) => `棋譜を保存できませんでした：${why}`,
    couldNotStart: (why) => `ページを開始できませんでした：${why}`,
    couldNotRestore: (why) => `保存した対局を再開できませんでした。一覧には残っています：${why}`,
    badLink: (why) => `アドレスの棋譜を開けませんでした：${why}`,
    notYourTurn: "あなたの番ではありません。",
    readOnly: "過去の局面です。対局に戻るか、ここから指し継いでください。",
    badPly: (ply, last) => `アドレスは${ply}手目の局面を指していますが、棋譜は${last}手までです。`,
    notHanded: (why) => `棋譜を渡せませんでした：${why}`,
    notStarted: "ページを開始できませんでした。",
    nothingHere: "アドレスが示す棋譜は、このブラウザーにありません。",
  },
);

const at = (to: string | null, word: string): string => (to === null ? "there" : `${word} ${to}`);
const there = (to: string | null): string => to ?? "そこ";

/** Why a move is against the rules; each takes the name of the square that the move goes to, if it is known. */
const illegal: Record<IllegalReason, (to: string | null) => string> = spoken(
  {
    game_over: () => "The game is over.",
    no_piece: () => "There is no piece.",
    not_yours: () => "That piece is your opponent's.",
    not_in_hand: () => "There is no such piece in hand.",
    movement: (to: string | null) => `This piece does not move ${at(to, "to")}.`,
    blocked: (to: string | null) => `The way ${at(to, "to")} is blocked.`,
    own_piece: (to: string | null) => `Your own piece stands ${at(to, "on")}.`,
    occupied: (to: string | null) => `A piece is dropped on an empty square, and there is one ${at(to, "on")}.`,
    two_pawns: () => "Two pawns (nifu): there is an unpromoted pawn of yours on this file already.",
    dead_drop: (to: string | null) => `The piece could never move ${at(to, "from")}.`,
    drop_pawn_mate: () => "A dropped pawn must not give mate at once (drop-pawn mate).",
    into_check: (to: string | null) => `The king would be in check ${at(to, "on")}.`,
    in_check: () => "Your king is in check, and this does not answer it.",
    pinned: () => "This piece is pinned: it shields your king.",
    must_promote: (to: string | null) => `The piece must promote ${at(to, "on")}: it could never move again.`,
    cannot_promote: () => "This piece cannot promote with this move.",
  } satisfies Record<IllegalReason, (to: string | null) => string>,
  {
    game_over: () => "対局は終わりました。",
    no_piece: () => "そこに駒はありません。",
    not_yours: () => "それは相手の駒です。",
    not_in_hand: () => "その駒は持ち駒にありません。",
    movement: (to) => `この駒は${there(to)}には動けません。`,
    blocked: (to) => `${there(to)}への途中に駒があります。`,
    own_piece: (to) => `${there(to)}には自分の駒があります。`,
    occupied: (to) => `駒は空いたマスに打ちます。${there(to)}には駒があります。`,
    two_pawns: () => "二歩です。この筋にはすでに自分の歩があります。",
    dead_drop: (to) => `${there(to)}に打つと、その駒は動けなくなります。`,
    drop_pawn_mate: () => "打ち歩詰めです。歩を打って詰ますことはできません。",
    into_check: (to) => `玉が${there(to)}で取られてしまいます。`,
    in_check: () => "王手がかかっています。この手では防げません。",
    pinned: () => "この駒は玉を守っているため動けません。",
    must_promote: (to) => `${there(to)}では成らなければなりません（行き所のない駒）。`,
    cannot_promote: () => "この手では成れません。",
  },
);

/** Words for moves that are refused. */
export const refusalWords = spoken(
  {
    square: squareWord,
    reasons: illegal,
    noMove: "This piece has no legal move.",
    noMoveBecause: (why: string): string => (why.startsWith("That") ? why : `No legal move with this piece: ${why.charAt(0).toLowerCase()}${why.slice(1)}`),
    list: (moves: readonly string[]): string => moves.join(", "),
    typed: {
      unreadable: () => "That is no move. Write it as 7g7f, P*5e, P-7f or 76歩.",
      other_side: () => "That is a move of the other side.",
      no_previous: () => "There is no move before this one whose square could be meant.",
      no_such_move: () => "No piece can move like that here.",
      ambiguous: (moves: string) => `Several moves are meant: ${moves}. Write one of them.`,
    } satisfies Record<Exclude<TypedProblem, "illegal">, (moves: string) => string>,
  },
  {
    square: squareWord,
    reasons: illegal,
    noMove: "この駒に指せる手はありません。",
    noMoveBecause: (why) => `この駒は動かせません。${why}`,
    list: (moves) => moves.join("、"),
    typed: {
      unreadable: () => "指し手として読めません。76歩、5五角打、7g7f、P-7fのように入力してください。",
      other_side: () => "それは相手の手です。",
      no_previous: () => "「同」が指す前の手がありません。",
      no_such_move: () => "そのように動ける駒はありません。",
      ambiguous: (moves) => `複数の手が考えられます：${moves}。どれか一つを入力してください。`,
    },
  },
);
