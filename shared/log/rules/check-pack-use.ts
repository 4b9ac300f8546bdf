import type { PackId } from "#shared/format/ids.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { type Violation, violation } from "#shared/log/violation.ts";

/**
 * Append-time, of a snapshot that is live from now on: no pack that it needs was ever swept.
 *
 * Needs the head of the snapshot's state. Together with the rules that a sweep takes only packs which are condemned at that moment, and a
 * condemnation only packs that no live snapshot needs, it gives the promise of the log: no live snapshot needs a swept pack.
 */
export function checkNotSwept(state: LogState, needed: Iterable<PackId>): Violation | undefined {
  const swept: PackId[] = [];
  for (const packId of needed) if (state.swept.has(packId)) swept.push(packId);
  if (swept.length === 0) return undefined;
  return violation("packs-are-not-swept", "conflict", `pack ${swept[0]} was swept`, swept);
}

/** Append-time, of a snapshot that is live from now on: each condemned pack that it needs is taken back by the same event. */
export function checkRevivedAll(
  state: LogState,
  needed: Iterable<PackId>,
  revive: readonly PackId[],
): Violation | undefined {
  if (state.condemned.size === 0) return undefined;
  const revived = new Set(revive);
  const condemned: PackId[] = [];
  for (const packId of needed) if (state.condemned.has(packId) && !revived.has(packId)) condemned.push(packId);
  if (condemned.length === 0) return undefined;
  const reason = `pack ${condemned[0]} is condemned and not revived`;
  return violation("condemned-packs-are-revived", "conflict", reason, condemned);
}
