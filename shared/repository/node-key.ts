import { deriveKey } from "#shared/crypto/derive-key.ts";

/** The key of the MAC that names tree nodes and lists: another than that of chunks, so that content is never taken for a node. */
export function nodeKey(idKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return deriveKey(idKey, "holdfast/v1/node");
}
