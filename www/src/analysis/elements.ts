/** The elements of the analysis page, found once. */

import { ShogiBoard } from "../board/shogi-board";
import { CandidateList } from "../parts/candidates";
import { byId } from "../parts/page";
import { PolicyTable } from "../parts/policy-table";
import { ValueBar } from "../parts/value-bar";
import { ValueGraph } from "../parts/value-graph";
import { VariationTree } from "../parts/variations";

const button = (id: string): HTMLButtonElement => byId(id, HTMLButtonElement);

export const elements = () => ({
  board: byId("board", ShogiBoard),
  status: byId("status", HTMLParagraphElement),
  slider: byId("ply", HTMLInputElement),
  plyText: byId("ply-text", HTMLOutputElement),
  first: button("first"),
  previous: button("previous"),
  play: button("play"),
  next: button("next"),
  last: button("last"),
  open: button("open"),
  save: button("save"),
  playOn: button("play-on"),
  edit: button("edit"),
  editor: byId("editor", HTMLElement),
  file: byId("file", HTMLInputElement),
  fileName: byId("file-name", HTMLParagraphElement),
  picker: byId("game-picker", HTMLDivElement),
  select: byId("game", HTMLSelectElement),
  black: byId("black", HTMLElement),
  white: byId("white", HTMLElement),
  outcome: byId("outcome", HTMLParagraphElement),
  defects: byId("defects", HTMLDetailsElement),
  agentName: byId("agent-name", HTMLHeadingElement),
  agentState: byId("agent-state", HTMLSpanElement),
  value: byId("value", ValueBar),
  graph: byId("graph", ValueGraph),
  explore: button("explore"),
  showArrows: byId("show-arrows", HTMLInputElement),
  showHeat: byId("show-heat", HTMLInputElement),
  tabs: document.querySelector<HTMLElement>('[role="tablist"]') ?? byId("tab-moves", HTMLElement),
  retry: button("retry"),
  moves: byId("moves", VariationTree),
  comment: byId("comment", HTMLTextAreaElement),
  promote: button("promote"),
  remove: button("delete"),
  notation: byId("notation", HTMLSelectElement),
  candidates: byId("candidates", CandidateList),
  searchNote: byId("search-note", HTMLParagraphElement),
  policy: byId("policy", PolicyTable),
  policyNote: byId("policy-note", HTMLParagraphElement),
  openModel: button("open-model"),
  modelFile: byId("model-file", HTMLInputElement),
});

export type Elements = ReturnType<typeof elements>;
