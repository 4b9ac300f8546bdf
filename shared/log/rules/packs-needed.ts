import type { PackId } from "#shared/format/ids.ts";
import type { StateHead } from "#shared/format/state.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { resolvePacks } from "#shared/log/resolve-row.ts";

type Head = Pick<StateHead, "packs" | "references">;

/** The last answer for each head: rules and rounds of an append ask again and again about the same relocations. */
const answers = new WeakMap<Head, { readonly relocated: LogState["relocated"]; readonly packs: ReadonlySet<PackId> }>();

/**
 * The packs that a snapshot needs when it becomes live after `state`, each once: those that its state adds, and those in which the segments
 * that it references are then to be read.
 */
export function packsNeeded(state: Pick<LogState, "relocated">, head: Head): ReadonlySet<PackId> {
  const { relocated } = state;
  const known = answers.get(head);
  if (known?.relocated === relocated) return known.packs;
  const packs = new Set<PackId>();
  for (const { packId } of head.packs) packs.add(packId);
  for (const packId of resolvePacks(state, head.references)) packs.add(packId);
  answers.set(head, { relocated, packs });
  return packs;
}
