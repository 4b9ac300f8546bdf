import { ZstdDecompressor } from "#shared/compression/zstd-decompressor.ts";
import { open } from "#shared/crypto/seal.ts";
import { decodeSegmentContent, segmentAad, segmentCodecs } from "#shared/format/segment.ts";
import type { SegmentKeys } from "./open-segment.ts";

/**
 * Opens one sealed segment after another, as `openSegment` does, into memory of its own. Owned by one thread.
 *
 * Memory: the plaintext of the largest segment so far.
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
    const { storeId, kind, segmentId, sessionKey } = keys;
    const content = open(
      { key: sessionKey, nonce: segmentId, aad: segmentAad({ storeId, use: "segment", kind, segmentId }) },
      sealed,
    );
    const { codec, plainBytes, stored } = decodeSegmentContent(content, "a segment");
    if (codec === segmentCodecs.raw) return stored;
    if (this.#plain.byteLength < plainBytes) this.#plain = new Uint8Array(plainBytes);
    this.#decompressor.decompressInto(stored, plainBytes, this.#plain);
    return this.#plain.subarray(0, plainBytes);
  }
}
