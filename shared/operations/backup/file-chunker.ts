import type { Chunker } from "#shared/chunking/chunker.ts";
import type { ContentReader } from "#shared/connectors/content-reader.ts";
import type { Mac } from "#shared/crypto/mac.ts";
import type { BlobIndex } from "#shared/repository/blob-index.ts";
import type { SealedSegment, SegmentBuilder } from "#shared/repository/segment-builder.ts";
import type { SessionIndex } from "#shared/repository/session-index.ts";
import { indexPrefixBytes } from "#shared/format/index-section.ts";
import { chunkRowBytes } from "#shared/format/entry.ts";
import { ByteWriter } from "#shared/bytes/byte-writer.ts";

/** What a file chunker works with. */
export type FileChunkerParts = {
  readonly chunker: Chunker;
  readonly mac: Mac;
  readonly index: BlobIndex;
  readonly session: SessionIndex;
  readonly builder: SegmentBuilder;
  readonly onSegment: (segment: SealedSegment) => void;
};

/**
 * Turns the content of files into chunks: reads, cuts, names, and puts what is new into segments.
 *
 * Rows and segment ordinals of the chunks of the files since the last `take` pile up in `rows` and `segments`.
 */
export class FileChunker {
  readonly #parts: FileChunkerParts;
  readonly #id = new Uint8Array(32);
  readonly #place = { segment: 0, offsetBytes: 0, lengthBytes: 0 };
  readonly #overflow = new ByteWriter(0);
  #rows = new Uint8Array(64 * 1024);
  #rowsView = new DataView(this.#rows.buffer);
  #segments = new Uint32Array(2048);
  #count = 0;
  /** Bytes of content that were new, and that the store had already. */
  newBytes = 0;
  knownBytes = 0;

  constructor(parts: FileChunkerParts) {
    this.#parts = parts;
  }

  /** Chunks since the last `take`. */
  get count(): number {
    return this.#count;
  }

  /** Index rows for which the session's table had no room. */
  get overflowRows(): Uint8Array<ArrayBuffer> {
    return this.#overflow.toBytes();
  }

  /**
   * Chunks the content of the open file.
   *
   * @param onMany - called when `count` has grown by many chunks of this file, so that the caller may `take` them
   * @returns bytes read
   */
  chunkFile(reader: ContentReader, onMany: () => void, onBytes: (bytes: number) => void): number {
    const { chunker, builder } = this.#parts;
    const expected = reader.contentBytes;
    if (expected === 0) return 0;
    if (expected <= chunker.minBytes) {
      const length = reader.read(builder.room.subarray(0, expected));
      if (length > 0) this.#storeInRoom(length);
      return length;
    }
    return this.#chunkLargeFile(reader, onMany, onBytes);
  }

  /** Hands out the chunks so far as fresh arrays and begins anew. */
  take(): { chunkRows: Uint8Array<ArrayBuffer>; chunkSegments: Uint32Array<ArrayBuffer> } {
    const taken = {
      chunkRows: this.#rows.slice(0, this.#count * chunkRowBytes),
      chunkSegments: this.#segments.slice(0, this.#count),
    };
    this.#count = 0;
    return taken;
  }

  /** Forgets the chunks from `count` on: their file could not be read to its end. */
  forgetFrom(count: number): void {
    this.#count = Math.min(this.#count, count);
  }

  /** Seals the open segment. */
  flush(): void {
    if (!this.#parts.builder.empty) this.#parts.onSegment(this.#parts.builder.seal());
  }

  #chunkLargeFile(reader: ContentReader, onMany: () => void, onBytes: (bytes: number) => void): number {
    const { chunker } = this.#parts;
    const window = chunker.window;
    let filled = 0;
    let total = 0;
    for (let final = false; !final;) {
      const wanted = Math.min(window.byteLength - filled, reader.contentBytes - total);
      const length = reader.read(window.subarray(filled, filled + wanted));
      total += length;
      filled += length;
      final = length < wanted || total >= reader.contentBytes;
      let at = 0;
      for (const lengthBytes of chunker.cutPoints(window.subarray(0, filled), final)) {
        this.#store(window.subarray(at, at + lengthBytes));
        at += lengthBytes;
      }
      window.copyWithin(0, at, filled);
      filled -= at;
      onBytes(length);
      onMany();
    }
    return total;
  }

  /** Takes the first bytes of the builder's room as a chunk. */
  #storeInRoom(lengthBytes: number): void {
    const { builder, mac } = this.#parts;
    mac.digestInto(builder.room.subarray(0, lengthBytes), this.#id, 0);
    if (this.#claim(lengthBytes)) {
      builder.commit(this.#id, 0, lengthBytes);
      this.#sealIfFull();
    }
  }

  #store(chunk: Uint8Array): void {
    this.#parts.mac.digestInto(chunk, this.#id, 0);
    if (this.#claim(chunk.byteLength)) {
      this.#parts.builder.append(this.#id, 0, chunk);
      this.#sealIfFull();
    }
  }

  /** Records the chunk; whether it is new and this thread is to store it at the end of the open segment. */
  #claim(lengthBytes: number): boolean {
    const { index, session, builder } = this.#parts;
    const known = index.findSegment(this.#id, 0);
    if (known >= 0) {
      this.#push(lengthBytes, known);
      this.knownBytes += lengthBytes;
      return false;
    }
    const place = this.#place;
    place.segment = builder.ordinal;
    place.offsetBytes = builder.offsetBytes;
    place.lengthBytes = lengthBytes;
    const other = session.claim(this.#id, 0, place);
    if (other >= 0) {
      this.#push(lengthBytes, other);
      this.knownBytes += lengthBytes;
      return false;
    }
    if (other === -2) this.#keepRow();
    this.#push(lengthBytes, place.segment);
    this.newBytes += lengthBytes;
    return true;
  }

  #keepRow(): void {
    this.#overflow.raw(this.#id.subarray(0, indexPrefixBytes));
    this.#overflow.u32(this.#place.segment);
    this.#overflow.u32(this.#place.offsetBytes);
    this.#overflow.u32(this.#place.lengthBytes);
  }

  #push(lengthBytes: number, segment: number): void {
    const at = this.#count * chunkRowBytes;
    if (at + chunkRowBytes > this.#rows.byteLength) {
      const rows = new Uint8Array(this.#rows.byteLength * 2);
      rows.set(this.#rows);
      this.#rows = rows;
      this.#rowsView = new DataView(rows.buffer);
      const segments = new Uint32Array(Math.ceil(rows.byteLength / chunkRowBytes));
      segments.set(this.#segments);
      this.#segments = segments;
    }
    this.#rows.set(this.#id, at);
    this.#rowsView.setUint32(at + 32, lengthBytes, true);
    this.#segments[this.#count++] = segment;
  }

  #sealIfFull(): void {
    if (this.#parts.builder.full) this.#parts.onSegment(this.#parts.builder.seal());
  }
}
