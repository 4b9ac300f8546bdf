const dayMs = 24 * 3_600_000;

/** A retention policy: the newest snapshot of each of so many days, weeks and months that have one. */
export type Retention = { readonly daily: number; readonly weekly: number; readonly monthly: number };

/** Which snapshots a policy gives up. */
export function snapshotsToRemove<Snapshot extends { readonly timeMs: number }>(
  snapshots: readonly Snapshot[],
  { daily, weekly, monthly }: Retention,
): Snapshot[] {
  const newestFirst = snapshots.toSorted((one, other) => other.timeMs - one.timeMs);
  const kept = new Set<Snapshot>();
  const rules: readonly [number, (timeMs: number) => string][] = [
    [daily, (timeMs) => String(Math.floor(timeMs / dayMs))],
    [weekly, (timeMs) => String(Math.floor((timeMs / dayMs + 3) / 7))], // 1 January 1970 was a Thursday
    [monthly, (timeMs) => new Date(timeMs).toISOString().slice(0, 7)],
  ];
  for (const [count, periodOf] of rules) {
    const periods = new Set<string>();
    for (const snapshot of newestFirst) {
      const period = periodOf(snapshot.timeMs);
      if (periods.has(period)) continue;
      if (periods.size === count) break;
      periods.add(period);
      kept.add(snapshot);
    }
  }
  return newestFirst.filter((each) => !kept.has(each));
}
