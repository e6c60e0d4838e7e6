/** The status line: the last move, whose turn it is, and what the user may want to know. */

import { COLORS, playWords as words } from "../words/play";
import { opponent } from "./game";
import { type Scene, isHuman, isWatched, soleHuman } from "./scene";

export function statusText(scene: Scene): string {
  const { game, position, ply, reviewing, notice } = scene;
  const last = game.texts(scene.notation)[ply - 1];
  const side = position.side_to_move() as 0 | 1;
  const parts: string[] = [];
  if (last !== undefined) parts.push(words.moved(COLORS[opponent(side)], last));
  if (reviewing) parts.push(words.reviewing(ply, game.plies));
  else parts.push(...turnText(scene));
  if (notice !== "") parts.push(notice);
  return words.sentences(parts);
}

function turnText(scene: Scene): string[] {
  const { game, agents, paused } = scene;
  if (game.end) return [words.over];
  const parts: string[] = [];
  const side = COLORS[game.turn];
  if (game.board.check() !== undefined) parts.push(words.check);
  if (isHuman(game.seats[game.turn], agents)) parts.push(soleHuman(scene) === null ? words.toMove(side) : words.yourTurn(side));
  else if (paused) parts.push(words.paused, words.toMove(side));
  else if (agents.state === "loading") parts.push(words.waiting);
  else parts.push(isWatched(game) ? words.sideThinking(side) : words.thinking);
  return parts;
}
