/**
 * The candidate most like `name`, or undefined when none is near: at most a third of the letters differ (adjacent swaps
 * count as one), or `name` is the beginning of exactly one candidate, or of several of which one begins all others.
 */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  const begins = candidates.filter((candidate) => name.length >= 2 && candidate.startsWith(name));
  const shared = begins.find((each) => begins.every((other) => other.startsWith(each)));
  if (shared !== undefined) return shared;
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(Math.min(name.length, 24) / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name, candidate);
    if (distance < bestDistance && distance < candidate.length) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours. */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 8) return 99;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, beforeLast[j - 2]! + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
