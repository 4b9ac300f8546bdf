import type { PackId, StateId } from "#shared/format/ids.ts";
import type { PackKind } from "#shared/format/segment.ts";

/** A pack that is to be compacted. */
export type PackToCompact = {
  readonly packId: PackId;
  readonly kind: PackKind;
  readonly sizeBytes: number;
  /** The rows to be copied: bit n (least significant first) of byte n div 8 stands for row n; the last byte is not zero. */
  readonly rows: Uint8Array;
  readonly rowCount: number;
  /** Bytes of those rows: segments, directories and rows of the table. */
  readonly liveBytes: number;
  /** `tableCheckOf` the pack's table, as states and relocations give it. */
  readonly tableCheck: Uint8Array;
  /** Whether it goes for the bytes that nobody needs, or only to be merged with others. */
  readonly why: "sparse" | "small";
};

/** Packs of one kind whose live segments make one new pack. */
export type CompactionGroup = {
  readonly kind: PackKind;
  readonly packs: readonly PackToCompact[];
  /** About the size of the new pack. */
  readonly newBytes: number;
};

/** Requests to the store, by what they cost. */
export type CompactionRequests = { readonly gets: number; readonly puts: number; readonly heads: number };

/** What a compaction would do. Plain data. */
export type CompactionPlan = {
  readonly groups: readonly CompactionGroup[];
  /** All packs of all groups. */
  readonly packs: readonly PackId[];
  readonly bytesToRead: number;
  /** About. Later, when the old packs are swept, `bytesToRead` bytes of them go. */
  readonly bytesToWrite: number;
  /** `bytesToRead` less `bytesToWrite`: what the store will shrink by, once the old packs are swept. */
  readonly bytesFreed: number;
  readonly requests: CompactionRequests;
  /** Packs that hold something that a live snapshot needs, in all: their number, and sealed bytes that are needed and that are not. */
  readonly needed: { readonly packs: number; readonly liveBytes: number; readonly deadBytes: number };
  /** Packs that would be worth it too, and were left for another run by the limits of this one. */
  readonly left: { readonly packs: number; readonly bytes: number };
  /** Live snapshots whose state could not be read: as long as there are any, nothing can be compacted. */
  readonly unreadable: readonly StateId[];
};

/** How much is compacted. */
export type CompactionLimits = {
  /** A pack is compacted when a smaller share of its bytes is needed, 0 to 1. Default 0.6. */
  readonly sparseShare: number;
  /** Packs beyond that go too, those with the smallest share first, until at most that share of all bytes is not needed. Default 0.04. */
  readonly wasteShare: number;
  /** A pack goes only if that many bytes are freed. Default: a 256th of the target size of packs, 64 KiB of 16 MiB. */
  readonly freedBytesMin: number;
  /** Packs below that share of the target size are merged. Default: a quarter of data packs, half of meta packs. */
  readonly smallShare: { readonly data: number; readonly meta: number };
  /** So many packs at least make one, where it is only to merge them. Default 4. */
  readonly mergePacksMin: number;
  /** Bytes of packs read in one run at most. Default 128 GiB. */
  readonly readBytesMax: number;
  /** Packs that go in one run at most. Default 100,000. */
  readonly packsMax: number;
};

/** What is compacted when nothing was chosen. @param packBytes - target size of packs, of `config` */
export function defaultCompactionLimits(packBytes: number): CompactionLimits {
  return {
    sparseShare: 0.6,
    wasteShare: 0.04,
    freedBytesMin: Math.ceil(packBytes / 256),
    smallShare: { data: 0.25, meta: 0.5 },
    mergePacksMin: 4,
    readBytesMax: 128 * 1024 ** 3,
    packsMax: 100_000,
  };
}
