import { ZstdDecompressor } from "#shared/compression/zstd-decompressor.ts";
import { open } from "#shared/crypto/seal.ts";
import { decodeSegmentContent, type PackKind, segmentAad, segmentCodecs } from "#shared/format/segment.ts";
import { releaseBytes } from "./release-bytes.ts";

/** What a segment is sealed under. */
export type SegmentKeys = {
  readonly storeId: Uint8Array;
  readonly kind: PackKind;
  readonly segmentId: Uint8Array;
  readonly sessionKey: Uint8Array;
};

/**
 * Opens one sealed segment after another, without a new engine for each. Owned by one thread.
 *
 * Memory: the plaintext of the largest segment that `open` opened so far.
 */
export class SegmentOpener {
  readonly #decompressor = new ZstdDecompressor();
  #plain = new Uint8Array(0);

  /**
   * The plaintext of a segment: the blobs in turn. A view that is valid until the next call.
   *
   * @throws {HoldfastError} corrupt: it does not authenticate or decode
   */
  open(sealed: Uint8Array, keys: SegmentKeys): Uint8Array {
    const { codec, plainBytes, stored } = contentOf(sealed, keys);
    if (codec === segmentCodecs.raw) return stored;
    try {
      if (this.#plain.byteLength < plainBytes) this.#plain = new Uint8Array(plainBytes);
      this.#decompressor.decompressInto(stored, plainBytes, this.#plain);
      return this.#plain.subarray(0, plainBytes);
    } finally {
      releaseBytes(stored);
    }
  }

  /**
   * The same in memory that nothing else uses: its ArrayBuffer may be transferred.
   *
   * @throws {HoldfastError} corrupt: it does not authenticate or decode
   */
  openOwned(sealed: Uint8Array, keys: SegmentKeys): Uint8Array<ArrayBuffer> {
    const { codec, plainBytes, stored } = contentOf(sealed, keys);
    if (codec === segmentCodecs.raw) return stored;
    try {
      const plain = new Uint8Array(Buffer.allocUnsafeSlow(plainBytes).buffer);
      this.#decompressor.decompressInto(stored, plainBytes, plain);
      return plain;
    } finally {
      releaseBytes(stored);
    }
  }
}

/** What a sealed segment holds; `stored` is a view into memory that nothing else uses. */
function contentOf(
  sealed: Uint8Array,
  { storeId, kind, segmentId, sessionKey }: SegmentKeys,
): { codec: number; plainBytes: number; stored: Uint8Array<ArrayBuffer> } {
  const content = open(
    { key: sessionKey, nonce: segmentId, aad: segmentAad({ storeId, use: "segment", kind, segmentId }) },
    sealed,
  );
  const { codec, plainBytes, stored } = decodeSegmentContent(content, "a segment");
  return { codec, plainBytes, stored: new Uint8Array(content.buffer, stored.byteOffset, stored.byteLength) };
}
