import { ByteGate } from "#shared/repository/byte-gate.ts";

/** Entries that a directory may have to be sorted by anything but name: they are held in memory. */
export const sortedEntriesMax = 20_000;

/** About what so many entries take, and what all that are sorted at once may take. */
const sortedBytesMax = 20 * 1024 * 1024;
const allSortedBytesMax = 64 * 1024 * 1024;

const gate = new ByteGate(allSortedBytesMax);

/** Has a directory gathered and sorted by `work` when its turn comes: few at a time, whoever asks. What `work` gives should be small. */
export function sorting<Result>(work: () => Promise<Result>): Promise<Result> {
  return gate.run(sortedBytesMax, work);
}
