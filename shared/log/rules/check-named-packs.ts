import type { PackId } from "#shared/format/ids.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { type Violation, violation } from "#shared/log/violation.ts";

/** Fold-time: a list of packs is not empty and names none twice. */
export function checkNamedPacks(packs: readonly PackId[]): Violation | undefined {
  if (packs.length === 0) return violation("packs-are-named-once", "invalid", "it names no pack");
  const twice = repeated(packs);
  if (twice === undefined) return undefined;
  return violation("packs-are-named-once", "invalid", `pack ${twice} is named twice`, [twice]);
}

/** Fold-time: each pack of a `revive` is condemned, and named once. */
export function checkRevived(state: LogState, packs: readonly PackId[]): Violation | undefined {
  const seen = new Set<PackId>();
  for (const packId of packs) {
    if (!state.condemned.has(packId) || seen.has(packId)) {
      const reason = `pack ${packId} cannot be revived: it is not condemned`;
      return violation("revived-packs-are-condemned", "conflict", reason, [packId]);
    }
    seen.add(packId);
  }
  return undefined;
}

/** The first id that stands in a list a second time. */
export function repeated<Id extends string>(ids: readonly Id[]): Id | undefined {
  const seen = new Set<Id>();
  for (const id of ids) {
    if (seen.has(id)) return id;
    seen.add(id);
  }
  return undefined;
}
