import type { PackId } from "#shared/format/ids.ts";
import { packKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { SegmentPlace, SegmentTable } from "./segment-table.ts";

/** How often in a row a segment may be found moved again before it was fetched once. */
const movesMax = 32;

/** What a fetcher fetches from. */
export type PackFetcherParts = {
  readonly store: Store;
  readonly segments: SegmentTable;
  /** Folds what came to the log since, and has `segments` follow it. */
  readonly refresh: () => Promise<void>;
};

/**
 * Fetches ranges of packs while maintenance may move, condemn and sweep them.
 *
 * Who finds a pack missing asks `tryElsewhere`: the segment may have been moved since the log was folded.
 */
export class PackFetcher {
  readonly #parts: PackFetcherParts;
  readonly #condemned = new Set<PackId>();
  /** Packs that are missing though the log, folded after they were found missing, says that they are there. */
  readonly #missing = new Set<PackId>();
  /** Of segments that were found moved: how many moves led there in a row. A few dozen bytes each. */
  readonly #moves = new Map<number, number>();

  constructor(parts: PackFetcherParts) {
    this.#parts = parts;
  }

  /**
   * Condemned packs that something was read from. Something that is live should need none: a snapshot was removed while it was read, or
   * a maintainer broke a rule.
   */
  get condemnedPacks(): ReadonlySet<PackId> {
    return this.#condemned;
  }

  /**
   * Fetches sealed bytes from a segment on.
   *
   * @throws {HoldfastError} absent: the store does not have the pack; `tryElsewhere` tells what to do
   * @throws {HoldfastError} corrupt: the pack ends before the range does
   */
  async fetch(from: SegmentPlace, lengthBytes: number): Promise<Uint8Array<ArrayBuffer>> {
    const { store, segments } = this.#parts;
    const { packId } = from.pack;
    const bytes = await store.get(packKey(packId), { offsetBytes: from.offsetBytes, lengthBytes });
    this.#moves.delete(from.ordinal);
    if (segments.standing(from.ordinal) === "condemned") this.#condemned.add(packId);
    return bytes;
  }

  /**
   * Resolves when a segment that could not be fetched is to be tried again under its `current` ordinal; else throws what is the matter.
   *
   * @param ordinal - as which it was fetched
   * @param error - what that came to; anything but `absent` is thrown as it is
   * @throws {HoldfastError} corrupt: the pack is missing, or was swept (`detail.isGone`)
   * @throws {HoldfastError} unavailable: it is moved again whenever it is fetched
   */
  async tryElsewhere(ordinal: number, error: unknown): Promise<void> {
    if (!isHoldfastError(error, "absent")) throw error;
    const { segments, refresh } = this.#parts;
    if (this.#isMoved(ordinal)) return;
    const { packId } = segments.packOf(ordinal);
    if (!this.#missing.has(packId)) {
      await refresh();
      if (this.#isMoved(ordinal)) return;
      this.#missing.add(packId);
    }
    const isGone = segments.standing(ordinal) === "gone";
    throw new HoldfastError(
      "corrupt",
      `Cannot read ${packKey(packId)}: ${isGone ? "it was swept: no live snapshot needed it" : "the store does not have it"}`,
      {
        cause: error,
        detail: { pack: packId, isGone },
        hint: isGone
          ? "If the snapshot was removed while it was read, take another; else run `holdfast check`."
          : "Run `holdfast check` to see all that is damaged.",
      },
    );
  }

  /** Whether a segment is read elsewhere now. @throws {HoldfastError} unavailable: it was moved too often in a row */
  #isMoved(ordinal: number): boolean {
    const { segments } = this.#parts;
    const now = segments.current(ordinal);
    if (now === ordinal) return false;
    const moves = (this.#moves.get(ordinal) ?? 0) + 1;
    if (moves > movesMax) {
      throw new HoldfastError(
        "unavailable",
        `Cannot read a segment of pack ${segments.packOf(now).packId}: it was moved ${moves} times in a row before it could be fetched`,
        { hint: "Try again when maintenance has ended." },
      );
    }
    this.#moves.set(now, Math.max(moves, this.#moves.get(now) ?? 0));
    return true;
  }
}
