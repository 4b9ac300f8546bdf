import { type CommitId, idFromBytes, type PackId } from "#shared/format/ids.ts";
import { isHoldfastError } from "#shared/errors.ts";
import type { Random } from "#shared/random.ts";
import type { Store } from "#shared/store/store.ts";
import { inParallel } from "./in-parallel.ts";
import type { LogState } from "./log-state.ts";
import { readEntry } from "./read-entry.ts";

/** Why a repair marked a pack for deletion: it was not in the store, or its bytes were not those that its name promises. */
export type RepairMark = "missing" | "damaged";

/** What the commit id of an entry begins with that condemns what a repair found so, in hexadecimal: the letters "HFRM" and "HFRD". */
const markHex: { readonly [Mark in RepairMark]: string } = { missing: "4846524d", damaged: "48465244" };
const entriesAtOnce = 8;

/**
 * A commit id for an entry that condemns packs because a repair found them missing or damaged, not because nothing needs them: should they be
 * whole later, they are not to be deleted without another repair.
 *
 * @see FORMAT.md, Repair
 */
export function repairMarkId(mark: RepairMark, random: Random): CommitId {
  return idFromBytes("commit", Buffer.concat([Buffer.from(markHex[mark], "hex"), random(12)]));
}

/** The packs that repairs condemned, and why. Where the entry that condemned one cannot be read, it counts as found damaged. */
export async function packsMarkedByRepair(
  store: Store,
  { condemned }: Pick<LogState, "condemned">,
): Promise<Map<PackId, RepairMark>> {
  const packsOf = new Map<number, PackId[]>();
  for (const [packId, { seq }] of condemned) {
    const known = packsOf.get(seq);
    if (known === undefined) packsOf.set(seq, [packId]);
    else known.push(packId);
  }
  const marked = new Map<PackId, RepairMark>();
  await inParallel(packsOf, entriesAtOnce, async ([seq, packs]) => {
    const mark = await markOfEntry(store, seq);
    if (mark !== undefined) for (const packId of packs) marked.set(packId, mark);
  });
  return marked;
}

async function markOfEntry(store: Store, seq: number): Promise<RepairMark | undefined> {
  try {
    const { commitId } = (await readEntry(store, seq)).entry;
    if (commitId.startsWith(markHex.missing)) return "missing";
    return commitId.startsWith(markHex.damaged) ? "damaged" : undefined;
  } catch (error) {
    if (!isHoldfastError(error, "absent", "corrupt", "incompatible")) throw error;
    return "damaged";
  }
}
