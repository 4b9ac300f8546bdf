import { verifySignature } from "#shared/crypto/signing.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { HoldfastError } from "#shared/errors.ts";
import { decodeHeadersSection, headersSectionName, type SealedHeader } from "#shared/format/checkpoint-headers.ts";
import { decodePartsSection, type ListedPart, partsSectionName } from "#shared/format/checkpoint-parts.ts";
import {
  checkCheckpointSection,
  type CheckpointHead,
  checkpointHeadLength,
  checkpointSectionRange,
  decodeCheckpointHead,
} from "#shared/format/checkpoint.ts";
import { decodeFoldSection, foldSectionName } from "#shared/format/fold-section.ts";
import type { StateId, StoreId } from "#shared/format/ids.ts";
import { checkpointKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { foldFromCheckpoint } from "./checkpoint-fold.ts";
import type { LogState } from "./log-state.ts";

/** A checkpoint as read: whole, and of this store. Whether the log vouches for it is for the reader of the log to find out. */
export type Checkpoint = {
  readonly seq: number;
  /** SHA-256 of its head: what a `checkpoint` event names. */
  readonly sha256: Uint8Array;
  readonly head: CheckpointHead;
  /** The fold of entries 1 to `seq`. */
  readonly fold: LogState;
  /** The sealed headers of the snapshots that it covers. */
  readonly headers: ReadonlyMap<StateId, SealedHeader>;
  /** Where the packs and indexes of the states that it covers are; those of earlier states first. */
  readonly parts: readonly ListedPart[];
};

/**
 * Reads `checkpoints/<seq>`: one request. Its head must be signed, of this store and number; its sections match the head.
 *
 * @throws {HoldfastError} absent: there is none
 * @throws {HoldfastError} corrupt, incompatible: it cannot be used
 */
export async function readCheckpoint(store: Store, storeId: StoreId, seq: number): Promise<Checkpoint> {
  const key = checkpointKey(seq);
  const bytes = await store.get(key);
  const headBytes = checkpointHeadLength(bytes, key);
  const head = decodeCheckpointHead(bytes.subarray(0, headBytes), key, verifySignature);
  if (head.storeId !== storeId)
    throw new HoldfastError("corrupt", `Cannot use ${key}: it belongs to store ${head.storeId}, not to ${storeId}`);
  if (head.seq !== seq) throw new HoldfastError("corrupt", `Cannot use ${key}: it says that it is number ${head.seq}`);
  const section = (name: string): Uint8Array | undefined => {
    const range = checkpointSectionRange(head, headBytes, name);
    const described = head.sections.find((each) => each.name === name);
    if (range === undefined || described === undefined) return undefined;
    const content = bytes.subarray(range.offsetBytes, range.offsetBytes + range.lengthBytes);
    checkCheckpointSection(described, content, key);
    return content;
  };
  const foldBytes = section(foldSectionName);
  if (foldBytes === undefined) throw new HoldfastError("corrupt", `Cannot use ${key}: it has no fold`);
  const headers = section(headersSectionName);
  const parts = section(partsSectionName);
  return {
    seq,
    sha256: sha256(bytes.subarray(0, headBytes)),
    head,
    fold: foldFromCheckpoint({ ...head, section: decodeFoldSection(foldBytes, seq, `${key}, fold`) }),
    headers: headers === undefined ? new Map() : decodeHeadersSection(headers, `${key}, headers`),
    parts: parts === undefined ? [] : decodePartsSection(parts, `${key}, parts`),
  };
}

/** Whether a `checkpoint` event means this very checkpoint. */
export function isVouchedBy(checkpoint: Pick<Checkpoint, "seq" | "sha256">, mark: LogState["checkpoint"]): boolean {
  return mark?.seq === checkpoint.seq && equalBytes(mark.sha256, checkpoint.sha256);
}
