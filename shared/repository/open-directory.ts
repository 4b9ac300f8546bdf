import { open } from "#shared/crypto/seal.ts";
import { decodeDirectoryContent } from "#shared/format/directory.ts";
import { type PackKind, segmentAad } from "#shared/format/segment.ts";

/**
 * Opens the sealed directory of a segment to its rows: blob id 32, length u32.
 *
 * @throws {HoldfastError} corrupt: it does not authenticate or decode
 */
export function openDirectory(
  sealed: Uint8Array,
  options: {
    readonly storeId: Uint8Array;
    readonly kind: PackKind;
    readonly segmentId: Uint8Array;
    readonly indexKey: Uint8Array;
  },
): Uint8Array {
  const { storeId, kind, segmentId, indexKey } = options;
  const content = open(
    { key: indexKey, nonce: segmentId, aad: segmentAad({ storeId, use: "directory", kind, segmentId }) },
    sealed,
  );
  return decodeDirectoryContent(content, "the directory of a segment");
}
