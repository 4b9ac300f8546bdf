import type { PackId } from "#shared/format/ids.ts";
import type { StateHead } from "#shared/format/state.ts";

/** The packs that a state adds or references, each once. */
export function packsNeeded(head: Pick<StateHead, "packs" | "references">): ReadonlySet<PackId> {
  const needed = new Set<PackId>();
  for (const { packId } of head.packs) needed.add(packId);
  for (const { packId } of head.references) needed.add(packId);
  return needed;
}
