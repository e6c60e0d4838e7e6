/** Visible text of the page of training runs. */

import { dateAndTime, decimal, spoken } from ".";
import { reasonWord } from "./ends";

/** Abscissas of the curves. */
export type Abscissa = "iteration" | "plies" | "seconds";
/** Results of a game by their number in a bundle. */
type ResultNames = readonly [string, string, string, string];

/** A number as a chart's axis and tables show it: four digits, and powers of ten where there would be many zeros. */
export const short = (value: number | null): string => {
  if (value === null || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(2);
  return Number(value.toPrecision(4)).toLocaleString("en", { maximumFractionDigits: 6 });
};

/** Hours, minutes and seconds. */
export const duration = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
};

const elo = (value: number | null, open: string): string => (value === null ? open : `${value > 0 ? "+" : ""}${Math.round(value)}`);

export const runWords = spoken(
  {
    loading: "Loading the runs…",
    loaded: (runs: number, games: number): string =>
      `${runs === 1 ? "1 run" : `${decimal(runs)} runs`}, ${games === 1 ? "1 game" : `${decimal(games)} games`}.`,
    live: "Live: the page follows the runs.",
    news: (time: number): string => `Last news at ${new Date(time).toLocaleTimeString("en-GB")}`,
    lost: "The server does not answer. The page shows what it last heard and goes on asking.",
    states: {
      starting: "starting", training: "training", paused: "paused", stopping: "stopping", ended: "ended", stopped: "stopped",
      killed: "ended without a word",
    } as Record<string, string>,
    columns: {
      shown: "Curves of", state: "State", iterations: "Iterations", plies: "Plies", games: "Games", time: "Time", began: "Began",
      weights: "Weights", learner: "Learner", revision: "Revision",
    },
    ofBudget: (plies: number, budget: number): string => (budget === 0 ? decimal(plies) : `${decimal(plies)} of ${decimal(budget)}`),
    began: (seconds: number): string => (seconds > 0 ? dateAndTime(seconds * 1000) : "–"),
    show: (name: string): string => `Show the curves of ${name}`,
    runsTable: "Runs",
    abscissas: { iteration: "iteration", plies: "plies", seconds: "time" } as Record<Abscissa, string>,
    at: (abscissa: Abscissa, value: number): string =>
      abscissa === "seconds" ? duration(value) : abscissa === "plies" ? `${decimal(value)} plies` : `iteration ${decimal(value)}`,
    none: "No values.",
    noCurves: "The run has not finished an iteration yet.",
    tableOf: (title: string): string => `Table: ${title}`,
    csv: "Save as CSV",
    range: (low: string, high: string): string => `${low} to ${high}`,
    groups: { losses: "Learning", games: "Games of self-play", league: "League", performance: "Speed", schedule: "Schedule", run: "Run" } as Record<string, string>,
    more: (group: string): string => `More: ${group}`,
    shareOf: "share of the games that ended",
    metrics: {
      policy_loss: "Policy loss", value_loss: "Value loss", score_loss: "Score loss", entropy: "Entropy", normalized_entropy: "Normalised entropy",
      top_probability: "Probability of the likeliest move", old_approx_kl: "KL divergence (k1)", approx_kl: "KL divergence", last_kl: "KL divergence after the update", clipfrac: "Clipped share",
      ratio_error: "Error of the ratio", max_ratio_error: "Greatest error of the ratio", first_ratio_error: "Error of the first ratio",
      grad_norm: "Norm of the gradients", update_norm: "Size of the update", advantage_mean: "Mean advantage", advantage_std: "Deviation of the advantages",
      mates: "Proved mates", mates_drawn: "Proved mates found by the policy", mate_loss: "Loss at proved mates", past_loss: "Loss at past positions",
      lessons: "Lessons for each ply", lesson_loss: "Loss of the lessons",
      explained_variance: "Explained variance", brier: "Brier score", samples: "Samples", dropped_samples: "Dropped samples", steps: "Gradient steps",
      skipped: "Skipped steps", stopped: "Stopped at the target KL", learning_rate: "Learning rate", ent_coef: "Weight of the entropy",
      prior_weight: "Weight of the material prior", games_ended: "Games ended", length_mean: "Mean length", length_p50: "Median length",
      length_p95: "95th percentile of the length", repeats: "Repeated games", opening_diversity: "Different openings", pool_snapshots: "Snapshots in the pool",
      pool_games: "Games against the pool", pool_lowest: "Lowest score against the pool", best_iteration: "Best agent", plies_per_second: "Plies a second",
      samples_per_second: "Samples a second", collect_seconds: "Self-play", env_seconds: "Rules and encodings", inference_seconds: "Network", learn_seconds: "Learning",
      log_seconds: "Events and files", progress: "Progress", sink_failures: "Failures of sinks",
    } as Record<string, string>,
    units: { plies: "plies", nats: "nats", games: "games", s: "s", "1/s": "1/s", events: "events" } as Record<string, string>,
    results: { black: "Black won", white: "White won", draws: "draws" } as Record<string, string>,
    ends: (reason: string): string => `Ends: ${reasonWord(reason)}`,
    wins: (result: string): string => `Results: ${result}`,
    // Strength
    score: "Score in evaluations",
    scoreAbout: "Points per game against a fixed opponent: a win counts 1, a draw ½. Bars are 95 % intervals.",
    rating: "Rating history",
    ratingAbout: "Elo above the anchor, with 95 % intervals; an open end is an arrow.",
    noStrength: "No evaluation has been played.",
    against: (name: string): string => `against ${name}`,
    sources: { evaluation: "evaluations", gate: "gate", tournament: "tournament" } as Record<string, string>,
    rated: (source: string, anchor: string): string => `${source}, ${anchor} = 0`,
    strengthColumns: { run: "Run", iteration: "Iteration", plies: "Plies", opponent: "Opponent", anchor: "Anchor", games: "Games", score: "Score", elo: "Elo", interval: "95 % interval", source: "From" },
    interval: (low: number | null, high: number | null): string => `${elo(low, "…")} to ${elo(high, "…")}`,
    elo: (value: number | null): string => elo(value, "–"),
    standings: "Ratings of the players",
    standingsColumns: { player: "Player", elo: "Elo", interval: "95 % interval", games: "Games" },
    // Games
    noGames: "No games were recorded.",
    setOfRun: (name: string): string => `Games of ${name}`,
    setOfTournament: (name: string): string => `Tournament ${name}`,
    stride: (stride: number): string => `One game in ${decimal(stride)} is in this bundle.`,
    any: "any",
    gameResults: ["Black won", "White won", "draw", "no result"] as ResultNames,
    unfinished: "not finished",
    found: (count: number, all: number): string => (count === all ? `${decimal(all)} games` : `${decimal(count)} of ${decimal(all)} games`),
    page: (page: number, pages: number): string => `Page ${decimal(page)} of ${decimal(pages)}`,
    gamesTable: "Games",
    gameColumns: { number: "Game", iteration: "Iteration", black: "Black", white: "White", result: "Result", ending: "Ending", plies: "Plies" },
    openGame: (number: number): string => `Open game ${decimal(number)}`,
    pair: (first: string, second: string): string => (first === second ? `${first} against itself` : `${first} – ${second}`),
    matrix: "Wins, draws and losses of the player of the row",
    matrixCut: (shown: number, all: number): string => `The ${shown} of ${decimal(all)} players with the most games.`,
    cell: (row: string, column: string, wins: number, draws: number, losses: number): string =>
      row === column
        ? `${row} against itself: Black won ${wins}, ${draws} without a winner, White won ${losses}. Show the games.`
        : `${row} against ${column}: ${wins} won, ${draws} without a winner, ${losses} lost. Show the games.`,
    opponents: "Player",
    gameTitle: (number: number): string => `Game ${decimal(number)}`,
    players: (black: string, white: string): string => `${black} – ${white}`,
    about: (result: string, ending: string, plies: number): string => `${result}: ${ending}, ${decimal(plies)} plies`,
    values: "Value of the player",
    position: (ply: number, move: string): string => (ply === 0 ? "Start" : `${ply}. ${move}`),
    tooLong: "The game is too long for a link; save it and open the file in the analysis.",
    // Alarms and settings
    noAlarms: "None was raised.",
    alarmsTable: "Alarms",
    alarmColumns: { run: "Run", iteration: "Iteration", alarm: "Alarm", state: "Now", seen: "Seen", advice: "Advice" },
    inForce: "in force",
    over: "over",
    settingsTable: "Settings that differ",
    allSettings: "All settings",
    setting: "Setting",
    // Problems
    problems: {
      noBundle: (address: string): string =>
        `There are no runs at ${address}. Write them with \`trainer-native export --web RUN --out www/dist/runs\`, or follow one with \`trainer-native serve RUN\`.`,
      elsewhere: (address: string): string => `${address} is not on this site: the page reads runs of its own site only.`,
      unreachable: (file: string): string => `${file} could not be fetched. Check the connection and load the page again.`,
      missing: (file: string, status: number): string => `${file} is missing (answer ${status}). Export the runs again.`,
      length: (file: string, found: number, expected: number): string => `${file} has ${decimal(found)} bytes instead of ${decimal(expected)}: it is not the file that was exported. Export the runs again.`,
      digest: (file: string): string => `${file} is damaged: its SHA-256 is another. Export the runs again.`,
      large: (file: string, bytes: number): string => `${file} claims ${decimal(bytes)} bytes, more than this page reads.`,
      json: (file: string): string => `${file} is not JSON.`,
      notABundle: (file: string): string => `${file} is not a bundle of runs.`,
      version: (found: string, known: number): string => `The runs were exported in version ${found} of the format; this page reads version ${known}. Export them again, or load the page again if it is the older one.`,
      nonsense: (file: string, place: string): string => `${file} makes no sense at ${place}. Export the runs again.`,
      game: (number: number): string => `Game ${decimal(number)} could not be opened.`,
    },
    section: (title: string): string => `${title} cannot be shown.`,
  },
  {
    loading: "学習の記録を読み込んでいます…",
    loaded: (runs, games) => `学習${decimal(runs)}件、対局${decimal(games)}局。`,
    live: "ライブ：学習の様子を表示しています。",
    news: (time) => `最終更新 ${new Date(time).toLocaleTimeString("ja")}`,
    lost: "サーバーが応答しません。最後に届いた内容を表示し、再接続を続けています。",
    states: {
      starting: "開始中", training: "学習中", paused: "一時停止", stopping: "停止処理中", ended: "完了", stopped: "停止", killed: "異常終了",
    },
    columns: {
      shown: "曲線", state: "状態", iterations: "反復", plies: "手数", games: "対局", time: "時間", began: "開始", weights: "重みの数", learner: "学習器", revision: "リビジョン",
    },
    ofBudget: (plies, budget) => (budget === 0 ? decimal(plies) : `${decimal(plies)} / ${decimal(budget)}`),
    began: (seconds) => (seconds > 0 ? dateAndTime(seconds * 1000) : "–"),
    show: (name) => `${name}の曲線を表示`,
    runsTable: "学習の一覧",
    abscissas: { iteration: "反復", plies: "手数", seconds: "時間" },
    at: (abscissa, value) => (abscissa === "seconds" ? duration(value) : abscissa === "plies" ? `${decimal(value)}手` : `反復${decimal(value)}`),
    none: "値がありません。",
    noCurves: "まだ1回も反復が終わっていません。",
    tableOf: (title) => `表：${title}`,
    csv: "CSVで保存",
    range: (low, high) => `${low}〜${high}`,
    groups: { losses: "学習", games: "自己対局", league: "リーグ", performance: "速度", schedule: "スケジュール", run: "進行" },
    more: (group) => `その他：${group}`,
    shareOf: "終局した対局に占める割合",
    metrics: {
      policy_loss: "方策の損失", value_loss: "価値の損失", score_loss: "得点の損失", entropy: "エントロピー", normalized_entropy: "正規化エントロピー",
      top_probability: "最有力手の確率", old_approx_kl: "KL情報量（k1）", approx_kl: "KL情報量", last_kl: "更新後のKL情報量", clipfrac: "クリップの割合", ratio_error: "比の誤差",
      max_ratio_error: "比の最大誤差", first_ratio_error: "最初の比の誤差", grad_norm: "勾配のノルム", update_norm: "更新の大きさ", advantage_mean: "アドバンテージの平均",
      advantage_std: "アドバンテージの標準偏差", mates: "証明された詰み", mates_drawn: "方策が見つけた詰みの割合", mate_loss: "詰みの損失", past_loss: "過去の局面の損失",
      lessons: "1手あたりの詰み課題の数", lesson_loss: "詰み課題の損失",
      explained_variance: "説明された分散", brier: "ブライアスコア", samples: "標本数", dropped_samples: "捨てた標本の割合",
      steps: "勾配ステップ数", skipped: "省いたステップ数", stopped: "目標KLでの打ち切り", learning_rate: "学習率", ent_coef: "エントロピーの重み", prior_weight: "駒得の事前知識の重み",
      games_ended: "終局した対局数", length_mean: "平均手数", length_p50: "手数の中央値", length_p95: "手数の95パーセンタイル", repeats: "同一対局の割合",
      opening_diversity: "異なる序盤の割合", pool_snapshots: "プールのスナップショット数", pool_games: "プールとの対局数", pool_lowest: "プールに対する最低得点", best_iteration: "最良のAI",
      plies_per_second: "毎秒の手数", samples_per_second: "毎秒の標本数", collect_seconds: "自己対局", env_seconds: "ルールと符号化", inference_seconds: "ネットワーク",
      learn_seconds: "学習", log_seconds: "記録とファイル", progress: "進捗", sink_failures: "出力先の失敗",
    },
    units: { plies: "手", nats: "ナット", games: "局", s: "秒", "1/s": "毎秒", events: "件" },
    results: { black: "先手勝ち", white: "後手勝ち", draws: "引き分け" },
    ends: (reason) => `終局：${reasonWord(reason)}`,
    wins: (result) => `結果：${result}`,
    score: "評価対局の得点率",
    scoreAbout: "決まった相手との1局あたりの得点（勝ち1、引き分け½）。線は95％区間です。",
    rating: "レーティングの推移",
    ratingAbout: "基準を0としたEloと95％区間。矢印は端が定まらないことを示します。",
    noStrength: "評価対局はまだありません。",
    against: (name) => `対${name}`,
    sources: { evaluation: "評価対局", gate: "ゲート", tournament: "大会" },
    rated: (source, anchor) => `${source}、${anchor}＝0`,
    strengthColumns: { run: "学習", iteration: "反復", plies: "手数", opponent: "相手", anchor: "基準", games: "局数", score: "得点率", elo: "Elo", interval: "95％区間", source: "出所" },
    interval: (low, high) => `${elo(low, "…")}〜${elo(high, "…")}`,
    elo: (value) => elo(value, "–"),
    standings: "対局者のレーティング",
    standingsColumns: { player: "対局者", elo: "Elo", interval: "95％区間", games: "局数" },
    noGames: "記録された対局はありません。",
    setOfRun: (name) => `${name}の対局`,
    setOfTournament: (name) => `大会 ${name}`,
    stride: (stride) => `${decimal(stride)}局に1局を収録しています。`,
    any: "すべて",
    gameResults: ["先手勝ち", "後手勝ち", "引き分け", "勝敗なし"],
    unfinished: "未終局",
    found: (count, all) => (count === all ? `${decimal(all)}局` : `${decimal(all)}局中${decimal(count)}局`),
    page: (page, pages) => `${decimal(page)} / ${decimal(pages)}ページ`,
    gamesTable: "対局の一覧",
    gameColumns: { number: "対局", iteration: "反復", black: "先手", white: "後手", result: "結果", ending: "終局", plies: "手数" },
    openGame: (number) => `対局${decimal(number)}を開く`,
    pair: (first, second) => (first === second ? `${first}の自己対局` : `${first} – ${second}`),
    matrix: "行の対局者から見た勝ち・引き分け・負け",
    matrixCut: (shown, all) => `対局者${decimal(all)}人のうち、対局の多い${shown}人を表示しています。`,
    cell: (row, column, wins, draws, losses) =>
      row === column
        ? `${row}の自己対局：先手勝ち${wins}、勝敗なし${draws}、後手勝ち${losses}。対局を表示`
        : `${row}対${column}：${wins}勝${losses}敗、勝敗なし${draws}。対局を表示`,
    opponents: "対局者",
    gameTitle: (number) => `対局${decimal(number)}`,
    players: (black, white) => `${black} – ${white}`,
    about: (result, ending, plies) => `${result}（${ending}、${decimal(plies)}手）`,
    values: "対局者の評価",
    position: (ply, move) => (ply === 0 ? "開始局面" : `${ply}手目 ${move}`),
    tooLong: "手数が多すぎてリンクにできません。保存したファイルを検討で開いてください。",
    noAlarms: "警報はありません。",
    alarmsTable: "警報",
    alarmColumns: { run: "学習", iteration: "反復", alarm: "警報", state: "現在", seen: "状況", advice: "対処" },
    inForce: "継続中",
    over: "解消",
    settingsTable: "異なる設定",
    allSettings: "すべての設定",
    setting: "設定",
    problems: {
      noBundle: (address) => `${address} に学習の記録がありません。\`trainer-native export --web RUN --out www/dist/runs\` で書き出すか、\`trainer-native serve RUN\` で学習中の様子を表示してください。`,
      elsewhere: (address) => `${address} はこのサイトの外にあります。このページはサイト内の記録だけを読み込みます。`,
      unreachable: (file) => `${file} を取得できませんでした。接続を確認し、再読み込みしてください。`,
      missing: (file, status) => `${file} がありません（応答 ${status}）。記録を書き出し直してください。`,
      length: (file, found, expected) => `${file} は${decimal(expected)}バイトのはずが${decimal(found)}バイトです。書き出したファイルと異なります。記録を書き出し直してください。`,
      digest: (file) => `${file} は壊れています（SHA-256が一致しません）。記録を書き出し直してください。`,
      large: (file, bytes) => `${file} は${decimal(bytes)}バイトとされており、このページの上限を超えています。`,
      json: (file) => `${file} はJSONではありません。`,
      notABundle: (file) => `${file} は学習の記録ではありません。`,
      version: (found, known) => `記録は形式のバージョン${found}で書かれています。このページが読めるのはバージョン${known}です。書き出し直すか、ページの方が古い場合は再読み込みしてください。`,
      nonsense: (file, place) => `${file} の ${place} が正しくありません。記録を書き出し直してください。`,
      game: (number) => `対局${decimal(number)}を開けませんでした。`,
    },
    section: (title) => `「${title}」を表示できません。`,
  },
);

/** Title of a curve. */
export function curveTitle(key: string, part: string): string {
  if (key === "reasons") return runWords.ends(part);
  if (key === "results") return runWords.wins(runWords.results[part] ?? part);
  const name = runWords.metrics[key] ?? key.replaceAll("_", " ");
  return part === "" ? name : `${name}: ${part}`;
}
