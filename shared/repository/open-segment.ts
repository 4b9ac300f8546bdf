import { decompress } from "#shared/compression/decompress.ts";
import { open } from "#shared/crypto/seal.ts";
import { decodeDirectoryContent } from "#shared/format/directory.ts";
import { decodeSegmentContent, type PackKind, segmentAad, segmentCodecs } from "#shared/format/segment.ts";

/** What a segment is sealed under. */
export type SegmentKeys = {
  readonly storeId: Uint8Array;
  readonly kind: PackKind;
  readonly segmentId: Uint8Array;
  readonly sessionKey: Uint8Array;
};

/**
 * Opens a sealed segment to its plaintext: the blobs in turn, in memory that nothing else uses.
 *
 * @throws {HoldfastError} corrupt: it does not authenticate or decode
 */
export function openSegment(sealed: Uint8Array, keys: SegmentKeys): Uint8Array {
  const { storeId, kind, segmentId, sessionKey } = keys;
  const content = open(
    { key: sessionKey, nonce: segmentId, aad: segmentAad({ storeId, use: "segment", kind, segmentId }) },
    sealed,
  );
  const { codec, plainBytes, stored } = decodeSegmentContent(content, "a segment");
  return codec === segmentCodecs.raw ? stored : decompress(stored, plainBytes);
}

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
