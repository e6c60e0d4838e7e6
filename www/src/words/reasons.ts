/**
 * Japanese for the reasons that come from the Rust side in English: why a file, a link or a position is refused.
 *
 * They name places and numbers, so a sentence is a pattern here and its parts are translated in turn. What matches none stays English,
 * and `write` marks it so. A test holds the table against the sources. Only Japanese pages load this file.
 */

/** What a reader expected, as `Problem::Expected` in `core/src/notation` names it. */
const EXPECTED: Record<string, string> = {
  "+ or -": "+か-",
  "-, x or *": "-、x、*のどれか",
  "a board of nine files": "9筋の盤面",
  "a board of nine ranks": "9段の盤面",
  "a clock such as ( 0:12/00:01:30)": "( 0:12/00:01:30)のような消費時間",
  "a color, 0 or 1": "手番（0か1）",
  "a file of nine squares": "9マスの筋",
  "a game": "棋譜",
  "a list of moves": "指し手の並び",
  "a list": "並び",
  "a move number from 1 on": "1以上の手数",
  "a move number": "手数",
  "a move of the other side": "相手の手",
  "a move of three digits": "3桁の指し手",
  "a move or an end": "指し手か終局",
  "a move such as +7776FU": "+7776FUのような指し手",
  "a move such as 7g7f, 8h2b+ or P*5e": "7g7f、8h2b+、P*5eのような指し手",
  "a number": "数",
  "a piece in hand": "持ち駒",
  "a piece letter": "駒の文字",
  "a piece or the mark of the other empty squares": "駒か空きマスの印",
  "a piece or ・": "駒か・",
  "a piece such as +FU, or *": "+FUのような駒か*",
  "a piece such as FU": "FUのような駒",
  "a piece that can be in hand": "持ち駒になる駒",
  "a piece": "駒",
  "a rank, I, + or -": "段、I、+、-のどれか",
  "a relation of the letters L C R U M D H": "L C R U M D Hの相対表記",
  "a small whole number": "小さな整数",
  "a square and a piece": "マスと駒",
  "a square such as 7f": "7fのようなマス",
  "a square such as ７六, or 同,": "７六のようなマスか「同」",
  "a square with x and y 1-9": "xとyが1〜9のマス",
  "a start position": "開始局面",
  "a text in quotes": "引用符で囲んだ文字列",
  "a time such as T12": "T12のような消費時間",
  "an empty square": "空きマス",
  "an end such as %TORYO": "%TORYOのような終局",
  "an end: one of r, t, i, j and p": "r、t、i、j、pのどれかの終局",
  "an object": "オブジェクト",
  "an owner of each piece": "それぞれの駒の持ち主",
  "each hand once": "持ち駒それぞれ1回だけの指定",
  "nine ranks, each once": "9段それぞれ1回だけの指定",
  "seconds such as 12 or 1.5": "12や1.5のような秒数",
  "startpos, an SFEN or a move": "startpos、SFEN、指し手のどれか",
  "the end of the move": "指し手の終わり",
  "the end of the rank": "段の終わり",
  "the hand of 先手 or 後手": "先手か後手の持ち駒",
  "the handicap": "手合割",
  "the number of a move": "手数",
  "the time `now`": "消費時間now",
  "true or false": "trueかfalse",
  "▲ or △": "▲か△",
};

/** Parts of the model and record formats, as their errors begin. */
const PARTS: Record<string, string> = {
  "model file": "モデルファイル",
  "model header": "モデルのヘッダー",
  "model header, spec": "モデルのヘッダーの構成",
  "record file": "棋譜ファイル",
  "record header": "棋譜ファイルのヘッダー",
  "record body": "棋譜ファイルの本体",
  "tree file": "棋譜データ",
  "tree header": "棋譜データのヘッダー",
  "tree body": "棋譜データの本体",
  tree: "棋譜データ",
  link: "リンク",
};

const SIDES: Record<string, string> = { Black: "先手", White: "後手", black: "先手", white: "後手", b: "先手", w: "後手" };

type Rule = readonly [pattern: RegExp, japanese: (...parts: string[]) => string];

const RULES: readonly Rule[] = [
  // Places.
  [/^line (\d+), column (\d+): (.*)$/s, (line, column, rest) => `${line}行目${column}文字目：${translated(rest)}`],
  [/^move (\d+): (.*)$/s, (ply, rest) => `${ply}手目：${translated(rest)}`],
  [/^game (\d+): (.*)$/s, (game, rest) => `第${game}局：${translated(rest)}`],
  [/^game (\d+), ply (\d+): (.*)$/s, (game, ply, rest) => `第${game}局${ply}手目：${translated(rest)}`],
  [/^game (\d+), start position: (.*)$/s, (game, rest) => `第${game}局の開始局面：${translated(rest)}`],
  [/^(tree|link), start position: (.*)$/s, (part, rest) => `${PARTS[part] ?? part}の開始局面：${translated(rest)}`],
  [/^link, start position (\d+): it is unknown$/, (found) => `リンクの開始局面${found}は未知のものです`],
  [/^link, move (\d+): (.*)$/s, (ply, rest) => `リンクの${ply}手目：${translated(rest)}`],
  [/^link, letter (\d+): it does not belong there$/, (place) => `リンクの${place}文字目は使えない文字です`],
  [/^link, end (\d+): it is unknown$/, (found) => `リンクの終局${found}は未知のものです`],
  [/^tree, node (\d+): .*$/s, (node) => `棋譜データの節点${node}が正しくありません`],
  [/^((?:model|record|tree|link)(?: file| header, spec| header| body)?): (.*)$/s, (part, rest) => `${PARTS[part] ?? part}：${translated(rest)}`],

  // Texts of games.
  [/^(.+) was expected here$/s, (what) => `ここには${EXPECTED[what] ?? what}が必要です`],
  [/^(\S+) is against the rules(?: here)?$/, (move) => `${move}は反則です`],
  [/^the move starts from a square without such a piece$/, () => "移動元のマスにその駒がありません"],
  [/^no piece can make this move$/, () => "その手を指せる駒がありません"],
  [/^several pieces can make this move$/, () => "その手を指せる駒が複数あります"],
  [/^同 needs a move before it$/, () => "「同」の前に手がありません"],
  [/^the line has ended before this$/, () => "すでに終局しています"],
  [/^at most (\d+) alternatives are kept$/, (most) => `変化は${most}通りまでです`],
  [/^a line has at most (\d+) plies$/, (most) => `一つの手順は${most}手までです`],
  [/^move (\d+) stands where move (\d+) is next$/, (found, expected) => `${expected}手目のところに${found}手目と書かれています`],
  [/^a variation cannot start at move (\d+): the line goes to move (\d+) at most$/, (found, last) => `${found}手目からの変化は作れません（手順は${last}手目までです）`],
  [/^the start position is wrong \((.*)\)$/s, (rest) => `開始局面が正しくありません（${translated(rest)}）`],
  [/^the start position is told after it was needed$/, () => "開始局面が指し手より後に書かれています"],
  [/^the line is not understood; it is kept as a comment$/, () => "解釈できない行です（コメントとして残しました）"],
  [/^"(.*)" is no known start position, and no board is given$/s, (name) => `「${name}」という手合割は未知のもので、盤面もありません`],
  [/^(.*) at line (\d+) column (\d+)$/s, (rest, line, column) => `JSON ${line}行目${column}文字目：${translated(rest)}`],
  [/^value or end of sequence expected$/, () => "値か配列の終わりが必要です"],
  [/^the file is empty$/, () => "ファイルが空です"],
  [/^it is not understood$/, () => "解釈できません"],
  [/^there is no game in it$/, () => "棋譜がありません"],
  [/^only the first (\d+) games are read$/, (most) => `最初の${most}局だけを読み込みました`],
  [/^the file has (\d+) bytes, more than (\d+)$/, (found, most) => `ファイルは${found}バイトあり、上限の${most}バイトを超えています`],
  [/^it has (\d+) bytes, and a page opens games up to (\d+)$/, (found, most) => `${found}バイトあり、開ける棋譜の上限（${most}バイト）を超えています`],

  // Positions.
  [/^SFEN has four fields .*, not (\d+)$/s, (found) => `SFENは4項目（盤面、手番、持ち駒、手数）ですが、${found}項目です`],
  [/^SFEN board: nine ranks are separated by \/, not (\d+)$/, (found) => `SFENの盤面は/で区切った9段ですが、${found}段です`],
  [/^SFEN board, rank (\S+): a rank has nine squares, not (\d+)$/, (rank, found) => `SFENの盤面、${rank}段：1段は9マスですが、${found}マスです`],
  [/^SFEN board, rank (\S+), character (\d+): ('.*') is neither a piece nor a digit 1-9$/s, (rank, column, found) => `SFENの盤面、${rank}段${column}文字目：${found}は駒でも1〜9の数字でもありません`],
  [/^SFEN board, rank (\S+), character (\d+): \+ stands before no piece that can promote$/, (rank, column) => `SFENの盤面、${rank}段${column}文字目：+の後に成れる駒がありません`],
  [/^SFEN side to move: it is b or w$/, () => "SFENの手番はbかwです"],
  [/^SFEN hands, character (\d+): ('.*') is neither a count nor a piece that can be in hand$/s, (column, found) => `SFENの持ち駒、${column}文字目：${found}は枚数でも持ち駒でもありません`],
  [/^SFEN hands, character (\d+): a count is 2 to 18 and stands before a piece$/, (column) => `SFENの持ち駒、${column}文字目：枚数は2〜18で、駒の前に書きます`],
  [/^SFEN hands, character (\d+): (\S+) is listed a second time$/, (column, found) => `SFENの持ち駒、${column}文字目：${found}が重複しています`],
  [/^SFEN hands: empty hands are written -$/, () => "SFENで持ち駒なしは-と書きます"],
  [/^SFEN move number: it is a number from 1 to 65535$/, () => "SFENの手数は1〜65535です"],
  [/^SFEN: (\d+) pieces (\S+) on the board and in hand, a set has (\d+)$/, (found, kind, limit) => `SFEN：${kind}が盤と持ち駒に${found}枚ありますが、${limit}枚までです`],
  [/^SFEN board: (\S+) has two kings$/, (side) => `SFENの盤面：${SIDES[side] ?? side}の玉が2枚あります`],
  [/^SFEN: the side that is not to move is in check$/, () => "SFEN：手番でない側の玉に王手がかかっています"],

  // Files of our own.
  [/^the file has (\d+) bytes, but should have (\d+): it was cut off or added to$/, (found, expected) => `ファイルは${found}バイトですが、${expected}バイトのはずです（途中で切れたか、余分なデータがあります）`],
  [/^the first 8 bytes are not those of this kind of file$/, () => "この種類のファイルではありません"],
  [/^format version (\d+) at byte 8, but only version (\d+) is supported$/, (found, supported) => `形式のバージョンは${found}ですが、対応しているのは${supported}だけです`],
  [/^header length (\d+) at byte 12 is more than .*$/s, (found) => `ヘッダーの長さ${found}が大きすぎます`],
  [/^the SHA-256 in the last 32 bytes does not match: the file is damaged$/, () => "SHA-256が一致しません。ファイルが壊れています"],
  [/^(\d+) bytes after (?:its last field|the last game|the last node)$/, (rest) => `末尾に余分な${rest}バイトがあります`],
  [/^(\d+) bytes, more than (\d+): shorten the provenance$/, (found, most) => `${found}バイトあり、上限の${most}バイトを超えています`],
  [/^(\S+) = (\S+) is not within (\S+) to (\S+?)( in steps of \d+)?$/, (field, found, min, max) => `${field} = ${found}は${min}〜${max}の範囲にありません`],
  [/^(?:input planes|actions) `(.*)` are unknown to this build$/s, (id) => `「${id}」という符号化には対応していません`],
  [/^the network reads (\d+) planes, its features have (\d+)$/, (net, features) => `ネットワークの入力は${net}面ですが、特徴量は${features}面です`],
  [/^link of (\d+) letters: the longest game has (\d+)$/, (found, most) => `リンクは${found}文字ですが、最長の棋譜でも${most}文字です`],
  [/^link of version (\d+), but only version (\d+) is supported$/, (found, supported) => `リンクのバージョンは${found}ですが、対応しているのは${supported}だけです`],
  [/^the link was cut off or changed: its checksum does not match$/, () => "リンクが途中で切れたか、書き換えられています"],
  [/^the link is too short$/, () => "リンクが短すぎます"],
  [/^(0x[0-9a-f]+) is no move$/, (bits) => `${bits}は指し手ではありません`],

  // The agent's worker.
  [/^it is not a model file$/, () => "モデルファイルではありません"],
  [/^it has (\S+ MB), and a page opens models up to (\S+ MB)$/, (found, most) => `${found}あり、開けるモデルの上限（${most}）を超えています`],
  [/^(\S+): the server answered (\d+)$/, (url, status) => `${url}：サーバーの応答 ${status}`],
  [/^no agent is loaded$/, () => "AIが読み込まれていません"],
  [/^the agent was closed$/, () => "AIを終了しました"],
  [/^the agent's worker stopped: (.*)\. It was started again\.$/s, (rest) => `AIのワーカーが停止し、再起動しました：${translated(rest)}`],
  [/^the agent's worker stopped: (.*)\. Open the model again, or reload the page\.$/s, (rest) => `AIのワーカーが停止しました：${translated(rest)}。モデルを開き直すか、ページを再読み込みしてください`],
  [/^it could not be loaded$/, () => "読み込めませんでした"],
  [/^its WebAssembly could not be loaded \((.*)\)$/s, (rest) => `WebAssemblyを読み込めませんでした（${translated(rest)}）`],
];

/** A reason in Japanese, as far as the table knows it. */
export function translated(english: string): string {
  for (const [pattern, japanese] of RULES) {
    const match = pattern.exec(english);
    if (match) return japanese(...match.slice(1).map((part) => part ?? ""));
  }
  return english;
}
