/** Texts of others within a message. */

/** Longest part of an attribute or of a text that a message repeats. */
const LONGEST = 40;
export const shown = (value: string): string => (value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value);
