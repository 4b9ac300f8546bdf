/** The byte table of the associated data of a sealed snapshot header. */
export const snapshotAadLayout = [
  ["context", 21, 'the letters "holdfast/v1/snapshot" and a zero byte'],
  ["storeId", 16, "the store"],
  ["commitId", 16, "of the state"],
] as const;

/** Associated data of a sealed snapshot header: binds the store and the commit. */
export function snapshotAad(storeId: Uint8Array, commitId: Uint8Array): Uint8Array<ArrayBuffer> {
  const aad = new Uint8Array(21 + storeId.byteLength + commitId.byteLength);
  aad.set(Buffer.from("holdfast/v1/snapshot\0", "latin1"), 0);
  aad.set(storeId, 21);
  aad.set(commitId, 21 + storeId.byteLength);
  return aad;
}
