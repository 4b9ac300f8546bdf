const buckets = 1024;

/** What is measured of a pack. */
type MeasuredPack = { readonly liveBytes: number; readonly deadBytes: number; readonly sizeBytes: number };

/**
 * How much waste packs hold, by the share of their bytes that is needed: tells up to which share packs must go for so much waste to go.
 *
 * Memory: a few kilobytes, whatever the number of packs.
 */
export class WasteByShare {
  readonly #packs = new Float64Array(buckets);
  readonly #sizeBytes = new Float64Array(buckets);
  readonly #deadBytes = new Float64Array(buckets);

  /** Counts a pack. */
  add(pack: MeasuredPack): void {
    const bucket = bucketOf(pack);
    this.#packs[bucket] = (this.#packs[bucket] ?? 0) + 1;
    this.#sizeBytes[bucket] = (this.#sizeBytes[bucket] ?? 0) + pack.sizeBytes;
    this.#deadBytes[bucket] = (this.#deadBytes[bucket] ?? 0) + pack.deadBytes;
  }

  /**
   * Which packs go: those with the smallest share first; all whose share is below `share`, and further ones until `wasteBytes` of waste are
   * gone; but not more than `packsMax` and `sizeBytesMax`.
   *
   * @returns `judge` says of each pack that was counted, once, whether it goes, stays, or is left for another time because of the two limits;
   *   `left` is what the latter come to
   */
  choose(options: {
    readonly share: number;
    readonly wasteBytes: number;
    readonly packsMax: number;
    readonly sizeBytesMax: number;
  }): {
    readonly judge: (pack: MeasuredPack) => "goes" | "stays" | "left";
    readonly left: { readonly packs: number; readonly bytes: number };
  } {
    const { share, wasteBytes, packsMax, sizeBytesMax } = options;
    let deadBytes = 0;
    let end = 0;
    for (; end < buckets; end++) {
      if (end / buckets >= share && deadBytes >= wasteBytes) break;
      deadBytes += this.#deadBytes[end] ?? 0;
    }
    // From the packs with the most waste on, as many as the limits allow; of the last bucket those that come first.
    let [room, roomBytes] = [packsMax, sizeBytesMax];
    let whole = 0;
    for (; whole < end; whole++) {
      const [more, moreBytes] = [this.#packs[whole] ?? 0, this.#sizeBytes[whole] ?? 0];
      if (more > room || moreBytes > roomBytes) break;
      room -= more;
      roomBytes -= moreBytes;
    }
    const left = { packs: 0, bytes: 0 };
    const judge = (pack: MeasuredPack): "goes" | "stays" | "left" => {
      const bucket = bucketOf(pack);
      if (bucket >= end) return "stays";
      if (bucket < whole) return "goes";
      if (bucket > whole || room < 1 || pack.sizeBytes > roomBytes) {
        left.packs++;
        left.bytes += pack.sizeBytes;
        return "left";
      }
      room--;
      roomBytes -= pack.sizeBytes;
      return "goes";
    };
    return { judge, left };
  }
}

function bucketOf({ liveBytes, deadBytes }: MeasuredPack): number {
  return Math.min(buckets - 1, Math.floor((liveBytes / (liveBytes + deadBytes)) * buckets));
}
