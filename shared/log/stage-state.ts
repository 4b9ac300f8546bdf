import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { createSha256, sha256 } from "#shared/crypto/sha256.ts";
import { verifySignature } from "#shared/crypto/signing.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { StateId } from "#shared/format/ids.ts";
import { decodeStateHead, type StateHead, stateIdOf } from "#shared/format/state.ts";
import { stateKey } from "#shared/store/object-key.ts";
import { putNamedByContent } from "#shared/store/put-named-by-content.ts";
import type { ObjectStat, Store } from "#shared/store/store.ts";

/** A state that is durable in the store and not visible yet. Only `stageState` and `readStateHead` make one. */
export type StagedState = {
  readonly stateId: StateId;
  readonly head: StateHead;
  /** Length of the head and of the whole object, bytes. */
  readonly headBytes: number;
  readonly stateBytes: number;
};

const comparedPartBytes = 8 * 1024 * 1024;

/**
 * Stage 1 of a commit: puts the state object `states/<id>`, the head and the sealed index section behind it.
 *
 * Order of writing: packs before the state that names them, the state before the log entry that publishes it. So this comes after
 * every pack of the state is durable. Nothing becomes visible: a staged state that is never published is an orphan.
 *
 * Idempotent: where the same bytes are already there it succeeds; after `unavailable` it may be called again.
 *
 * @param headBytes - from `encodeStateHead`
 * @param section - the sealed index section that the head describes, as parts
 * @throws {HoldfastError} internal: the head does not decode, or does not describe the section; nothing was written
 * @throws {HoldfastError} corrupt: the store holds other bytes under this state's name
 * @throws {HoldfastError} unavailable: the state may or may not be there
 */
export async function stageState(
  store: Store,
  headBytes: Uint8Array,
  section: readonly Uint8Array[],
): Promise<StagedState> {
  const stateId = stateIdOf(headBytes);
  const key = stateKey(stateId);
  const head = decodeStateHead(headBytes, key, verifySignature);
  const sectionBytes = section.reduce((sum, part) => sum + part.byteLength, 0);
  if (head.indexBytes !== sectionBytes || !equalBytes(head.indexSha256, sha256(...section)))
    throw new HoldfastError("internal", `Cannot stage ${key}: its head describes another index section`);
  const whole = sha256(headBytes, ...section);
  const stateBytes = headBytes.byteLength + sectionBytes;
  const object = { key, body: [headBytes, ...section], sha256: whole };
  if (!(await putNamedByContent(store, object, (there) => holds(store, key, there, { stateBytes, sha256: whole })))) {
    throw new HoldfastError("corrupt", `Cannot stage ${key}: the store holds other bytes under that name`, {
      detail: { key },
      hint: "Run the backup again: it makes a state of another name. Run check to find what is damaged.",
    });
  }
  return { stateId, head, headBytes: headBytes.byteLength, stateBytes };
}

/** Whether the object is of this length and hash: by what the store says where it says so, else by reading 8 MiB at a time. */
async function holds(
  store: Store,
  key: string,
  there: ObjectStat,
  expected: { readonly stateBytes: number; readonly sha256: Uint8Array },
): Promise<boolean> {
  if (there.sizeBytes !== expected.stateBytes) return false;
  if (there.sha256 !== undefined) return equalBytes(there.sha256, expected.sha256);
  const hash = createSha256();
  for (let offsetBytes = 0; offsetBytes < there.sizeBytes; offsetBytes += comparedPartBytes) {
    const lengthBytes = Math.min(comparedPartBytes, there.sizeBytes - offsetBytes);
    hash.update(await store.get(key, { offsetBytes, lengthBytes }));
  }
  return equalBytes(hash.digest(), expected.sha256);
}
