/** The card with the game's result. */

import { element } from "../parts/shadow";
import { COLORS, playWords as words } from "../words/play";
import { MAX_PLIES } from "./game";
import { type Scene, soleHuman } from "./scene";

export interface ResultActions {
  again(): void;
  analyse(): void;
}

function titleOf(scene: Scene): string {
  const { game } = scene;
  const human = soleHuman(scene);
  const winner = game.end?.winner ?? null;
  if (winner === null) return game.end?.reason === "max_plies" ? words.noResult(MAX_PLIES) : words.draw;
  if (human === null) return words.sideWins(COLORS[winner]);
  return winner === human ? words.youWin : words.agentWins;
}

/** Fills the card when the game ends, and hides it while a game goes on. */
export function drawResult(card: HTMLElement, scene: Scene, actions: ResultActions): void {
  const { end, id, plies } = scene.game;
  const shown = end ? `${id} ${plies} ${end.reason}` : "";
  if (card.dataset["shown"] === shown) return;
  card.dataset["shown"] = shown;
  card.hidden = end === null;
  card.replaceChildren();
  if (!end) return;
  const button = (name: string, text: string, action: () => void): HTMLButtonElement => {
    const made = element("button", name, text);
    made.type = "button";
    made.addEventListener("click", action);
    return made;
  };
  const row = element("div", "row");
  row.append(button("primary", words.playAgain, actions.again), button("", words.analyse, actions.analyse));
  card.append(element("h2", "", titleOf(scene)), element("p", "muted", words.endReason(end.reason, plies)), row);
}
