/** The page's own elements, by their ids in `index.html`. */

import { ShogiBoard } from "../board/shogi-board";
import type { CandidateList } from "../parts/candidates";
import { GameClock } from "../parts/clock";
import { Later } from "../parts/later";
import { MoveList } from "../parts/move-list";
import { byId } from "../parts/page";
import type { SavedGamesList } from "../parts/saved-games";
import { TypedMove } from "../parts/typed-move";
import { ValueBar } from "../parts/value-bar";
import type { ValueGraph } from "../parts/value-graph";

const button = (id: string): HTMLButtonElement => byId(id, HTMLButtonElement);

export const playView = () => ({
  board: byId("board", ShogiBoard),
  status: byId("status", HTMLParagraphElement),
  clock: byId("clock", GameClock),
  result: byId("result", HTMLElement),

  agentName: byId("agent-name", HTMLHeadingElement),
  agentState: byId("agent-state", HTMLSpanElement),
  agentAbout: byId("agent-about", HTMLParagraphElement),
  opinion: byId("opinion", HTMLDivElement),
  value: byId("value", ValueBar),
  showCandidates: byId("show-candidates", HTMLInputElement),
  showHeat: byId("show-heat", HTMLInputElement),
  showGraph: byId("show-graph", HTMLInputElement),
  graph: new Later<ValueGraph>(byId("graph", HTMLElement), () => import("../parts/value-graph")),
  candidates: new Later<CandidateList>(byId("candidates", HTMLElement), () => import("../parts/candidates")),

  levels: [
    { label: byId("level-label", HTMLLabelElement), slider: byId("level", HTMLInputElement), name: byId("level-name", HTMLOutputElement) },
    { label: byId("level2-label", HTMLLabelElement), slider: byId("level2", HTMLInputElement), name: byId("level2-name", HTMLOutputElement) },
  ] as const,
  secondLevel: byId("second-level", HTMLDivElement),

  undo: button("undo"),
  hint: button("hint"),
  resign: button("resign"),
  declare: button("declare"),
  pause: button("pause"),
  step: button("step"),

  review: byId("review", HTMLDivElement),
  back: button("back"),
  playOn: button("play-on"),
  first: button("first"),
  previous: button("previous"),
  next: button("next"),
  last: button("last"),
  moves: byId("moves", MoveList),
  notation: byId("notation", HTMLSelectElement),
  typed: byId("typed-move", TypedMove),
  share: button("share"),
  save: button("save"),
  analyse: button("analyse"),
  shareBox: byId("share-box", HTMLDivElement),
  shareText: byId("share-text", HTMLInputElement),

  form: byId("new-game", HTMLFormElement),
  start: byId("start", HTMLSelectElement),
  clockChoice: byId("clock-choice", HTMLSelectElement),
  ownClock: byId("own-clock", HTMLDivElement),

  tabs: byId("tabs", HTMLDivElement),
  panelSaved: byId("panel-saved", HTMLElement),
  savedGames: new Later<SavedGamesList>(byId("saved-games", HTMLElement), () => import("../parts/saved-games")),

  openModel: button("open-model"),
  modelFile: byId("model-file", HTMLInputElement),
  openSecond: button("open-second"),
  secondFile: byId("second-file", HTMLInputElement),
});

export type PlayView = ReturnType<typeof playView>;
