import { constants, createZstdCompress } from "node:zlib";
import { HoldfastError } from "#shared/errors.ts";
import { compress, compressBound, compressionParameters } from "./compress.ts";
import { type ZstdHandle, zstdHandle } from "./zstd-handle.ts";

/**
 * Compresses one buffer after another, as `compress` does, without a new engine and new memory for each. Owned by one thread.
 *
 * Memory: the tables of one zstd context, a megabyte or two at the usual levels.
 */
export class ZstdCompressor {
  readonly #level: number;
  #handle: ZstdHandle | undefined;

  constructor(level: number) {
    this.#level = level;
    this.#handle = zstdHandle(createZstdCompress({ params: compressionParameters(level) }));
  }

  /** The room that `compressInto` needs for `lengthBytes` of data. */
  static room(lengthBytes: number): number {
    return compressBound(lengthBytes);
  }

  /**
   * Compresses `data` into one zstd frame at the beginning of `output`, which has at least `room(data.length)` bytes.
   *
   * @returns the bytes of the frame
   */
  compressInto(data: Uint8Array, output: Uint8Array): number {
    if (output.length < compressBound(data.length)) {
      throw new HoldfastError("internal", `Cannot compress ${data.length} bytes into ${output.length}`);
    }
    if (this.#handle !== undefined) {
      const written = this.#handle.run(constants.ZSTD_e_end, data, output);
      if (written !== undefined) return written;
      this.#handle = undefined;
    }
    const frame = compress(data, this.#level);
    output.set(frame);
    return frame.length;
  }
}
