/** Median and extremes of one series. */
export type Summary = { readonly median: number; readonly min: number; readonly max: number };

/** Summarises a series; the median of an even count is the mean of the middle two. Undefined when empty. */
export function summarize(values: readonly number[]): Summary | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const min = sorted[0];
  const max = sorted.at(-1);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  if (min === undefined || max === undefined || upper === undefined || lower === undefined) return undefined;
  return { median: (lower + upper) / 2, min, max };
}

/** The value below which `share` (0 to 1) of an ascending series lies; NaN when it is empty. */
export function percentile(ascending: readonly number[], share: number): number {
  const last = ascending.length - 1;
  return ascending[Math.min(last, Math.floor(share * ascending.length))] ?? Number.NaN;
}
