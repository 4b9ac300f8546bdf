import { constants, createZstdDecompress } from "node:zlib";
import { HoldfastError } from "#shared/errors.ts";
import { cannotDecompress, checkFrame, decompress, decompressionParameters } from "./decompress.ts";
import { type ZstdHandle, zstdHandle } from "./zstd-handle.ts";

/**
 * Decompresses one frame after another, as `decompress` does, without a new engine and new memory for each. Owned by one thread.
 *
 * Memory: one zstd context, some hundred kilobytes.
 */
export class ZstdDecompressor {
  #handle: ZstdHandle | undefined;

  constructor() {
    this.#handle = newHandle();
  }

  /**
   * Decompresses one zstd frame that is known to hold `rawLengthBytes` bytes to the beginning of `output`, which has room for them.
   *
   * @throws {HoldfastError} corrupt: not one whole frame, another length, or damaged content
   */
  decompressInto(frame: Uint8Array, rawLengthBytes: number, output: Uint8Array): void {
    if (output.length < rawLengthBytes) {
      throw new HoldfastError("internal", `Cannot decompress ${rawLengthBytes} bytes into ${output.length}`);
    }
    checkFrame(frame, rawLengthBytes);
    if (this.#handle === undefined || rawLengthBytes === 0) {
      output.set(decompress(frame, rawLengthBytes));
      return;
    }
    const written = this.#handle.run(constants.ZSTD_e_continue, frame, output.subarray(0, rawLengthBytes));
    if (written === rawLengthBytes) return;
    // The engine stopped in the middle of a frame: the next one gets a new engine.
    this.#handle = newHandle();
    throw cannotDecompress(frame, rawLengthBytes, "the content is damaged");
  }
}

function newHandle(): ZstdHandle | undefined {
  return zstdHandle(createZstdDecompress({ params: decompressionParameters }));
}
