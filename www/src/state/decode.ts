/** Checks of parsed JSON. Stored text may be of another version or have been edited, so each field is checked; what does not fit is undefined. */

export type Fields = Record<string, unknown>;

/** The value parsed from JSON, or undefined if the text is not JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export const fields = (value: unknown): Fields | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;

export const text = (value: unknown, longest: number): string | undefined =>
  typeof value === "string" && value.length <= longest ? value : undefined;

export const number = (value: unknown, least: number, most: number): number | undefined =>
  typeof value === "number" && value >= least && value <= most ? value : undefined;

export const integer = (value: unknown, least: number, most: number): number | undefined =>
  Number.isInteger(value) ? number(value, least, most) : undefined;

export const oneOf = <T extends string | number>(value: unknown, choices: readonly T[]): T | undefined =>
  choices.find((choice) => choice === value);

export const flag = (value: unknown): boolean | undefined => (typeof value === "boolean" ? value : undefined);

/** A list of at most `most` entries, each read by `read`; undefined if one does not fit. */
export function list<T>(value: unknown, most: number, read: (entry: unknown) => T | undefined): T[] | undefined {
  if (!Array.isArray(value) || value.length > most) return undefined;
  const entries = value.map(read);
  return entries.every((entry) => entry !== undefined) ? (entries as T[]) : undefined;
}
