import type { ContentReader } from "#shared/connectors/content-reader.ts";
import { type StreamRing, StreamRingReader } from "./stream-ring.ts";

/** Makes the reader of a stream that a backup thread uses. `options` is the ring that the stream comes through. */
export function createContentReader(options: unknown): ContentReader {
  return new StreamContentReader(new StreamRingReader(options as StreamRing));
}

/** Reads a stream as the content of one file, once. */
class StreamContentReader implements ContentReader {
  readonly #ring: StreamRingReader;
  readonly extents = undefined;
  /** How long the stream is shows at its end. */
  contentBytes = Number.POSITIVE_INFINITY;
  #readBytes = 0;

  constructor(ring: StreamRingReader) {
    this.#ring = ring;
  }

  open(): void {}

  read(into: Uint8Array): number {
    const length = this.#ring.read(into);
    this.#readBytes += length;
    if (length < into.byteLength) this.contentBytes = this.#readBytes;
    return length;
  }

  details() {
    return { xattrs: undefined, flags: 0, problems: [] };
  }

  close(): boolean {
    return false;
  }

  endBatch(): void {}
}
