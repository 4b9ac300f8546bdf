import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { frameHeaderBytes } from "#shared/format/frame.ts";
import { isHoldfastError } from "#shared/errors.ts";
import type { StoreId } from "#shared/format/ids.ts";
import { inParallel } from "#shared/log/in-parallel.ts";
import { readEntry } from "#shared/log/read-entry.ts";
import { logKey, logPrefix, seqOfKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";

/** Entries read at once. */
const inFlight = 16;

/** An entry of the log that cannot be used, and why. */
export type LostEntry = { readonly seq: number; readonly key: string; readonly reason: string };

/**
 * The entries up to `seq` that are missing or cut short, by one listing; with `read` also those that cannot be read, that belong elsewhere, or
 * that do not follow the one before. What a checkpoint stands in for is looked at like the rest.
 *
 * Memory: about a hundred bytes an entry.
 */
export async function auditLog(
  store: Store,
  { storeId, seq }: { readonly storeId: StoreId; readonly seq: number },
  { read }: { readonly read: boolean },
): Promise<LostEntry[]> {
  const lost: LostEntry[] = [];
  const lose = (at: number, reason: string): void => void lost.push({ seq: at, key: logKey(at), reason });
  const sizes = new Map<number, number>();
  for (const each of await listEntries(store)) if (each.seq <= seq) sizes.set(each.seq, each.sizeBytes);
  const there: number[] = [];
  for (let at = 1; at <= seq; at++) {
    const sizeBytes = sizes.get(at);
    if (sizeBytes === undefined) lose(at, "it is missing");
    else if (sizeBytes < frameHeaderBytes) lose(at, "it is cut short");
    else there.push(at);
  }
  const links = new Map<number, { readonly prev: Uint8Array; readonly sha256: Uint8Array }>();
  await inParallel(read ? there : [], inFlight, async (at) => {
    try {
      const { entry, sha256 } = await readEntry(store, at);
      if (entry.storeId !== storeId || entry.seq !== at) lose(at, "it belongs to another store or to another place");
      else links.set(at, { prev: entry.prev, sha256 });
    } catch (error) {
      if (!isHoldfastError(error, "corrupt", "absent")) throw error;
      lose(at, error.message);
    }
  });
  for (const [at, { prev }] of links) {
    const before = at === 1 ? new Uint8Array(32) : links.get(at - 1)?.sha256;
    if (before !== undefined && !equalBytes(prev, before)) lose(at, "it follows another entry than the one before it");
  }
  return lost.sort((left, right) => left.seq - right.seq);
}

/** The entries that are listed, ascending, and their sizes. */
export async function listEntries(store: Store): Promise<{ readonly seq: number; readonly sizeBytes: number }[]> {
  const found: { seq: number; sizeBytes: number }[] = [];
  for await (const { key, sizeBytes } of store.list(logPrefix))
    if (/^log\/0{4}[0-9]{16}$/.test(key) && Number(key.slice(-16)) <= Number.MAX_SAFE_INTEGER)
      found.push({ seq: seqOfKey(key), sizeBytes });
  return found.sort((left, right) => left.seq - right.seq);
}
