/** Steps that the tests of the Play page share. */

/** Mulberry32: the same game every time. */
export function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export const square = (page, name) => page.locator(`[data-square="${name}"]`);
export const yourTurn = (page) => page.locator("#status", { hasText: "Your turn" });

export async function move(page, from, to) {
  await square(page, from).click();
  await square(page, to).click();
}

/** Starts a game with the form: the user plays `side`. */
export async function newGame(page, side) {
  await page.getByRole("tab", { name: "New game" }).click();
  await page.getByRole("radio", { name: side }).check();
  await page.locator("#new-game button").click();
}
