/** The order in which contestants have their turns in a round, from 1 on: each is first, and last, as often as the others. */
export function rotated<T>(contestants: readonly T[], round: number): readonly T[] {
  const shift = (round - 1) % Math.max(1, contestants.length);
  return [...contestants.slice(shift), ...contestants.slice(0, shift)];
}
