import { HoldfastError } from "#shared/errors.ts";

/** The bounds of a chunk: `minBytes` <= `avgBytes` <= `maxBytes`, `avgBytes` a power of two. The last chunk may be shorter. */
export type ChunkSizes = {
  readonly minBytes: number;
  /** Where cutting becomes easier; the mean on random data is about 1.12 times this with the default proportions. */
  readonly avgBytes: number;
  readonly maxBytes: number;
};

/** The sizes of a new store: 128 KiB, 512 KiB, 2 MiB. */
export const defaultChunkSizes: ChunkSizes = {
  minBytes: 128 * 1024,
  avgBytes: 512 * 1024,
  maxBytes: 2 * 1024 * 1024,
};

/** How many bits the condition is harder before `avgBytes` and easier from there: FastCDC's normalisation level. */
export const normalisationBits = 2;

/** The longest chunk that any store may ask for. */
export const chunkMaxBytesLimit = 64 * 1024 * 1024;

/** Checks sizes, such as those read from a store's config. @throws {HoldfastError} invalid: out of bounds or out of order */
export function checkChunkSizes({ minBytes, avgBytes, maxBytes }: ChunkSizes): void {
  const fits =
    [minBytes, avgBytes, maxBytes].every(Number.isSafeInteger) &&
    minBytes >= 64 &&
    minBytes <= avgBytes &&
    avgBytes <= maxBytes &&
    maxBytes <= chunkMaxBytesLimit &&
    Number.isInteger(Math.log2(avgBytes));
  if (fits) return;
  throw new HoldfastError(
    "invalid",
    `Cannot chunk with sizes ${minBytes}, ${avgBytes}, ${maxBytes}: they do not fit together`,
    {
      detail: { minBytes, avgBytes, maxBytes },
      hint: "Give 64 <= min <= avg <= max <= 64 MiB, and a power of two as avg.",
    },
  );
}
