import type { PackId } from "#shared/format/ids.ts";
import { packKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { SegmentPlace, SegmentTable } from "./segment-table.ts";

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
    if (segments.standing(from.ordinal) === "condemned") this.#condemned.add(packId);
    return bytes;
  }

  /**
   * Resolves when a segment that could not be fetched is to be tried again under its `current` ordinal; else throws what is the matter.
   *
   * @param ordinal - as which it was fetched
   * @param error - what that came to; anything but `absent` is thrown as it is
   * @throws {HoldfastError} corrupt: the pack is missing, or was swept
   */
  async tryElsewhere(ordinal: number, error: unknown): Promise<void> {
    if (!isHoldfastError(error, "absent")) throw error;
    const { segments, refresh } = this.#parts;
    if (segments.current(ordinal) !== ordinal) return;
    const { packId } = segments.packOf(ordinal);
    if (!this.#missing.has(packId)) {
      await refresh();
      if (segments.current(ordinal) !== ordinal) return;
      this.#missing.add(packId);
    }
    const isGone = segments.standing(ordinal) === "gone";
    throw new HoldfastError(
      "corrupt",
      `Cannot read ${packKey(packId)}: ${isGone ? "it was swept: no live snapshot needed it" : "the store does not have it"}`,
      {
        cause: error,
        detail: { pack: packId },
        hint: isGone
          ? "If the snapshot was removed while it was read, take another; else run `holdfast check`."
          : "Run `holdfast check` to see all that is damaged.",
      },
    );
  }
}
