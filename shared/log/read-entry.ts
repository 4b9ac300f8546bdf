import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { verifySignature } from "#shared/crypto/signing.ts";
import { decodeLogEntry } from "#shared/format/log-entry.ts";
import { logKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import type { StoredEntry } from "./fold-entry.ts";

/**
 * Reads `log/<seq>`, checks its checksum, shape and signature, and hashes it. Its place in the chain is for `foldEntry` to check.
 *
 * @throws {HoldfastError} absent: there is no such entry
 * @throws {HoldfastError} corrupt or incompatible: its bytes are not an entry that this program reads
 */
export async function readEntry(store: Store, seq: number): Promise<StoredEntry> {
  const key = logKey(seq);
  const bytes = await store.get(key);
  return { entry: decodeLogEntry(bytes, key, verifySignature), sha256: sha256(bytes) };
}

/**
 * Reads an entry that must be there, because a later one is or because someone has seen it.
 *
 * @throws {HoldfastError} corrupt: it is missing, or its bytes are not an entry
 */
export async function readPresentEntry(store: Store, seq: number): Promise<StoredEntry> {
  try {
    return await readEntry(store, seq);
  } catch (cause) {
    if (!isHoldfastError(cause, "absent")) throw cause;
    throw new HoldfastError("corrupt", `Cannot read the log: ${logKey(seq)} is missing, and it was there before`, {
      detail: { key: logKey(seq), seq },
      hint: "Bring the object back from a replica or an older version of it, or run `holdfast repair`.",
      cause,
    });
  }
}
