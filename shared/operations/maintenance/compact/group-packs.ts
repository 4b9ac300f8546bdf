import { formatLimits } from "#shared/format/limits.ts";
import { packHeaderBytes, packSessionRowBytes, packTrailerBytes } from "#shared/format/pack.ts";
import type { PackKind } from "#shared/format/segment.ts";
import type { CompactionGroup, PackToCompact } from "./compaction-plan.ts";

/** Rows of one group at most; with `groupPacksMax` what a log entry says of a group takes 4 MiB at most. */
export const groupRowsMax = 40_000;
const groupPacksMax = 4096;
/** Bytes of a pack beside its rows. */
const frameBytes = packHeaderBytes + packSessionRowBytes + packTrailerBytes;

/**
 * Groups packs of one kind, given by age, so that each group makes one new pack of `packBytes` or a little more: old with old where they go
 * for their waste, then small with small where they are merged.
 *
 * The last group may fall short of that. What is merged only is then at least `mergePacksMin` packs, or joins sparse ones; and the new pack is
 * at least twice as large as the largest that was merged into it. So no segment is copied, only to be merged, more often than sizes can double.
 */
export function* groupPacks(
  kind: PackKind,
  packs: readonly PackToCompact[],
  options: { readonly packBytes: number; readonly mergePacksMin: number },
): Generator<CompactionGroup, void, undefined> {
  const sparse = packs.filter((each) => each.why === "sparse");
  const small = packs.filter((each) => each.why === "small").sort((one, other) => one.liveBytes - other.liveBytes);
  let open = new OpenGroup(kind);
  for (const pack of [...sparse, ...small]) {
    if (!open.takes(pack)) {
      yield* open.close();
      open = new OpenGroup(kind);
    }
    open.add(pack);
    if (open.newBytes >= options.packBytes) {
      yield* open.close();
      open = new OpenGroup(kind);
    }
  }
  yield* open.trimmed(options.mergePacksMin).close();
}

/** A group that is being filled. */
class OpenGroup {
  readonly #kind: PackKind;
  readonly #packs: PackToCompact[] = [];
  #rows = 0;
  newBytes = frameBytes;

  constructor(kind: PackKind) {
    this.#kind = kind;
  }

  takes(pack: PackToCompact): boolean {
    return (
      this.#packs.length < groupPacksMax &&
      this.#rows + pack.rowCount <= groupRowsMax &&
      this.newBytes + pack.liveBytes + packSessionRowBytes * (this.#rows + pack.rowCount) <= formatLimits.packBytes
    );
  }

  add(pack: PackToCompact): void {
    this.#packs.push(pack);
    this.#rows += pack.rowCount;
    this.newBytes += pack.liveBytes;
  }

  /** Without the largest of those that it would merge, until that is worth it. */
  trimmed(mergePacksMin: number): OpenGroup {
    const sparse = this.#packs.filter((each) => each.why === "sparse");
    const small = this.#packs.filter((each) => each.why === "small");
    let total = this.newBytes - frameBytes;
    for (let last = small.at(-1); last !== undefined; last = small.at(-1)) {
      const enough = small.length >= mergePacksMin || sparse.length > 0;
      if (enough && total >= 2 * last.liveBytes) break;
      small.pop();
      total -= last.liveBytes;
    }
    const group = new OpenGroup(this.#kind);
    for (const pack of [...sparse, ...small]) group.add(pack);
    return group;
  }

  /** The group, unless it is one small pack alone. */
  *close(): Generator<CompactionGroup, void, undefined> {
    const [first] = this.#packs;
    if (first === undefined || (this.#packs.length === 1 && first.why === "small")) return;
    yield { kind: this.#kind, packs: this.#packs, newBytes: this.newBytes };
  }
}
