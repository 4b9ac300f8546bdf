import type { PackId } from "#shared/format/ids.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { type Violation, violation } from "#shared/log/violation.ts";

/**
 * What a snapshot that is live from now on asks of the packs it needs: none was ever swept, and each condemned one is revived
 * by the same event.
 *
 * Append-time: needs the head of the snapshot's state. Together with the rule that a sweep takes only packs which are condemned
 * at that moment, it gives the promise of the log: no live snapshot references a swept pack.
 *
 * @param needed - packs that the snapshot references or adds
 * @param revived - packs that the event takes back
 */
export function checkPackUse(
  state: LogState,
  needed: Iterable<PackId>,
  revived: ReadonlySet<PackId>,
): Violation | undefined {
  const swept: PackId[] = [];
  const condemned: PackId[] = [];
  for (const packId of needed) {
    if (state.swept.has(packId)) swept.push(packId);
    else if (state.condemned.has(packId) && !revived.has(packId)) condemned.push(packId);
  }
  if (swept.length > 0) return violation("packs-are-not-swept", "conflict", `pack ${swept[0]} was swept`, swept);
  if (condemned.length > 0) {
    const reason = `pack ${condemned[0]} is condemned and not revived`;
    return violation("condemned-packs-are-revived", "conflict", reason, condemned);
  }
  return undefined;
}
