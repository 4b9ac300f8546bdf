import type { PackId } from "#shared/format/ids.ts";
import type { LogState } from "./log-state.ts";

/**
 * The relocations of which something is left: without those whose pack was swept, and every pack that they lead to, by entry
 * `sweptBy` at the latest, and of those none is relocated any more.
 *
 * A row that such a relocation moved leads to a swept pack with it and without it, so no rule tells the difference; and how many there
 * are goes with what the store holds, not with how often it was compacted. They stay a while, because a maintainer does not
 * delete a swept pack that a live snapshot needs against the rules, which only a relocation tells of a pack that was compacted.
 *
 * @see FORMAT.md, Relocation
 */
export function withoutGone({ relocated, swept }: Pick<LogState, "relocated" | "swept">, sweptBy: number) {
  const isSwept = (packId: PackId): boolean => (swept.get(packId) ?? Infinity) <= sweptBy;
  let candidates: (readonly [PackId, ReadonlySet<PackId>])[] = [];
  for (const [packId, { seq, runs }] of relocated)
    if (seq <= sweptBy && isSwept(packId) && runs.every((run) => isSwept(run.packId)))
      candidates.push([packId, new Set(runs.map((run) => run.packId))]);
  // To take one out may set others free, which lead to its pack.
  for (let left = relocated; ;) {
    const gone: PackId[] = [];
    const kept: typeof candidates = [];
    for (const candidate of candidates) {
      if ([...candidate[1]].some((packId) => left.has(packId))) kept.push(candidate);
      else gone.push(candidate[0]);
    }
    if (gone.length === 0) return left;
    left = left.withoutAll(gone);
    candidates = kept;
  }
}
