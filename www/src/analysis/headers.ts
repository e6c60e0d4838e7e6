/** Header keys of a tree, in KIF's words. */

export const BLACK = "先手";
export const WHITE = "後手";
/** Names of the sides in handicap games. */
export const HANDICAP_SIDES = ["下手", "上手"] as const;
export const TITLE = "棋戦";
