import { ZstdCompressor } from "#shared/compression/zstd-compressor.ts";
import { seal } from "#shared/crypto/seal.ts";
import { directoryRowBytes, encodeDirectoryContent } from "#shared/format/directory.ts";
import {
  frameSegmentContent,
  type PackKind,
  segmentAad,
  segmentCodecs,
  segmentContentBytes,
  segmentHeaderBytes,
} from "#shared/format/segment.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { Random } from "#shared/random.ts";
import { SegmentOpener } from "./segment-opener.ts";

/** A segment ready for a pack. */
export type SealedSegment = {
  readonly ordinal: number;
  readonly segmentId: Uint8Array<ArrayBuffer>;
  readonly sealed: Uint8Array<ArrayBuffer>;
  readonly sealedDirectory: Uint8Array<ArrayBuffer>;
};

/** What a builder needs to know of its session. */
export type SegmentSession = {
  readonly storeId: Uint8Array;
  readonly kind: PackKind;
  readonly sessionKey: Uint8Array;
  readonly indexKey: Uint8Array;
  readonly level: number;
  /** Plaintext from which a segment is closed, bytes. */
  readonly targetBytes: number;
  /** Longest blob, bytes. */
  readonly blobMaxBytes: number;
  /** Whether each segment is opened again and compared before it is handed out. */
  readonly verify: boolean;
};

/** Plaintext that compresses to more than this share of itself is stored raw. */
const rawAbove = 0.98;
/** Blobs for whose rows there is room at first, and that a segment has at most. */
const firstRows = 1024;
const rowsMax = 64 * 1024;

/**
 * Collects blobs to segments: whole blobs until the target, then compressed, padded, sealed, opened again and compared.
 *
 * Memory: three buffers of target and longest blob, and a zstd context.
 */
export class SegmentBuilder {
  readonly #session: SegmentSession;
  readonly #random: Random;
  readonly #nextOrdinal: () => number;
  readonly #buffer: Uint8Array<ArrayBuffer>;
  /** Where the content is compressed to and framed. */
  readonly #content: Uint8Array<ArrayBuffer>;
  readonly #compressor: ZstdCompressor;
  readonly #opener = new SegmentOpener();
  #rows = new Uint8Array(firstRows * directoryRowBytes);
  #rowsView = new DataView(this.#rows.buffer);
  #length = 0;
  #count = 0;
  #ordinal = -1;

  constructor(session: SegmentSession, random: Random, nextOrdinal: () => number) {
    this.#session = session;
    this.#random = random;
    this.#nextOrdinal = nextOrdinal;
    this.#buffer = new Uint8Array(session.targetBytes + session.blobMaxBytes);
    this.#content = new Uint8Array(segmentContentBytes(ZstdCompressor.room(this.#buffer.byteLength)));
    this.#compressor = new ZstdCompressor(session.level);
  }

  /** Whether the segment has reached its target and should be sealed. */
  get full(): boolean {
    return this.#length >= this.#session.targetBytes || this.#count >= rowsMax;
  }

  /** Whether nothing was added. */
  get empty(): boolean {
    return this.#count === 0;
  }

  /** The ordinal that the segment being built will have. */
  get ordinal(): number {
    if (this.#ordinal < 0) this.#ordinal = this.#nextOrdinal();
    return this.#ordinal;
  }

  /** Where the next blob will begin in the segment's plaintext. */
  get offsetBytes(): number {
    return this.#length;
  }

  /** Room for one blob at the end of the segment, for the caller to read content straight into; then `commit` it. */
  get room(): Uint8Array {
    return this.#buffer.subarray(this.#length);
  }

  /** Takes the first `lengthBytes` of `room` as a blob whose id begins at `ids[idOffset]`. */
  commit(ids: Uint8Array, idOffset: number, lengthBytes: number): void {
    const at = this.#count * directoryRowBytes;
    if (at >= this.#rows.byteLength) this.#growRows();
    for (let index = 0; index < 32; index++) this.#rows[at + index] = ids[idOffset + index] ?? 0;
    this.#rowsView.setUint32(at + 32, lengthBytes, true);
    this.#count++;
    this.#length += lengthBytes;
  }

  #growRows(): void {
    const rows = new Uint8Array(2 * this.#rows.byteLength);
    rows.set(this.#rows);
    this.#rows = rows;
    this.#rowsView = new DataView(rows.buffer);
  }

  /** Appends a copy of `blob`. */
  append(ids: Uint8Array, idOffset: number, blob: Uint8Array): void {
    this.#buffer.set(blob, this.#length);
    this.commit(ids, idOffset, blob.byteLength);
  }

  /**
   * Seals what was added and begins anew.
   *
   * @throws {HoldfastError} internal: the sealed bytes do not open to what went in (faulty memory or a faulty library)
   */
  seal(): SealedSegment {
    const { storeId, kind, sessionKey, indexKey, verify } = this.#session;
    const ordinal = this.ordinal;
    const plain = this.#buffer.subarray(0, this.#length);
    const content = this.#encode(plain);
    const segmentId = this.#random(24);
    const sealed = seal(
      { key: sessionKey, nonce: segmentId, aad: segmentAad({ storeId, use: "segment", kind, segmentId }) },
      content,
    );
    if (verify) {
      const opened = this.#opener.open(sealed, { storeId, kind, segmentId, sessionKey });
      if (Buffer.compare(opened, plain) !== 0) {
        throw new HoldfastError("internal", "Cannot store a segment: opened again it differs from what was sealed", {
          hint: "Test the memory of this machine.",
        });
      }
    }
    const sealedDirectory = seal(
      { key: indexKey, nonce: segmentId, aad: segmentAad({ storeId, use: "directory", kind, segmentId }) },
      encodeDirectoryContent(this.#rows.subarray(0, this.#count * directoryRowBytes)),
    );
    this.#length = 0;
    this.#count = 0;
    this.#ordinal = -1;
    return { ordinal, segmentId, sealed, sealedDirectory };
  }

  /** The plaintext compressed, or as it is where that saves little, with header and padding. Valid until the next call. */
  #encode(plain: Uint8Array): Uint8Array<ArrayBuffer> {
    const room = this.#content.subarray(segmentHeaderBytes);
    const plainBytes = plain.byteLength;
    const frameBytes = this.#compressor.compressInto(plain, room);
    const isRaw = frameBytes > plainBytes * rawAbove;
    if (isRaw) room.set(plain);
    return frameSegmentContent(this.#content, {
      codec: isRaw ? segmentCodecs.raw : segmentCodecs.zstd,
      plainBytes,
      storedBytes: isRaw ? plainBytes : frameBytes,
    });
  }
}
