/** Text of a rating that says how it was measured. */

export interface MeasuredPlay {
  /** Visits of the search; 0 is the policy alone. */
  visits: number;
  temperature: number | undefined;
}

/** How a rating was measured: `policy alone, temperature 0.3, f32` or `100 visits, temperature 0.15, f32`; null for any other text. */
export function playOf(text: string): MeasuredPlay | null {
  const count = /^(\d{1,6}) visits?\b/.exec(text)?.[1];
  if (count === undefined && !/^policy alone\b/.test(text)) return null;
  const temperature = /\btemperature (\d+(?:\.\d+)?)/.exec(text)?.[1];
  return { visits: Number(count ?? 0), temperature: temperature === undefined ? undefined : Number(temperature) };
}
