import { isHoldfastError } from "#shared/errors.ts";
import type { StateId } from "#shared/format/ids.ts";
import { packTableRowBytes, readPackTableRow } from "#shared/format/pack.ts";
import type { PackReference } from "#shared/format/state.ts";
import type { LogState, SnapshotRecord } from "#shared/log/log-state.ts";
import { byPlaceDescending } from "#shared/log/repaired-commit-id.ts";
import { rowsOf } from "#shared/log/resolve-row.ts";
import type { Repository } from "#shared/repository/repository.ts";

/** States that are read at once. */
const inFlight = 16;

/**
 * How many bytes of the store each live snapshot answers for: the segments that it needs and no older live one does, where they are now, with
 * what their packs say of them, and its state. Their sum is what live snapshots take. So it stays right when snapshots are removed or repaired, and when
 * maintenance moves or deletes.
 *
 * Memory: two bits a segment, and a number a snapshot; also what `Repository.loadHeads` takes.
 */
export class StoredShares {
  readonly #repository: Repository;
  #known: { readonly log: LogState; readonly bytes: ReadonlyMap<StateId, number> } | undefined;
  #counting: Promise<ReadonlyMap<StateId, number>> | undefined;

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  /**
   * The bytes of each of `records`; of one whose state cannot be read nothing.
   *
   * @param records - all live snapshots, in any order
   * @throws {HoldfastError} unavailable
   */
  async bytesOf(records: readonly SnapshotRecord[]): Promise<ReadonlyMap<StateId, number>> {
    const { log } = this.#repository;
    if (this.#known?.log === log) return this.#known.bytes;
    this.#counting ??= this.#count(records).finally(() => (this.#counting = undefined));
    const bytes = await this.#counting;
    if (this.#repository.log === log) this.#known = { log, bytes };
    return bytes;
  }

  async #count(records: readonly SnapshotRecord[]): Promise<ReadonlyMap<StateId, number>> {
    const repository = this.#repository;
    await repository.loadHeads();
    const shares = new Map<StateId, number>();
    const seen = new Uint8Array((repository.segments.count >>> 3) + 1);
    const inOrder = records.toSorted(byPlaceDescending).toReversed();
    for (let from = 0; from < inOrder.length; from += inFlight) {
      const batch = inOrder.slice(from, from + inFlight);
      const heads = await Promise.all(batch.map((record) => this.#references(record)));
      for (const [index, record] of batch.entries()) {
        const references = heads[index];
        if (references !== undefined) shares.set(record.stateId, this.#add(seen, references) + record.stateBytes);
      }
    }
    return shares;
  }

  async #references(record: SnapshotRecord): Promise<readonly PackReference[] | undefined> {
    try {
      return (await this.#repository.states.head(record)).references;
    } catch (error) {
      if (!isHoldfastError(error, "absent", "corrupt", "incompatible")) throw error;
      return undefined;
    }
  }

  /** Marks what is referenced, and counts what was not marked. */
  #add(seen: Uint8Array, references: readonly PackReference[]): number {
    const { segments } = this.#repository;
    let bytes = 0;
    for (const { packId, segments: rows } of references) {
      const pack = segments.findPack(packId);
      if (pack === undefined) continue;
      for (const row of rowsOf(rows)) {
        if (row >= pack.segmentCount) break;
        const ordinal = segments.current(pack.firstSegment + row);
        const bit = 1 << (ordinal & 7);
        const at = ordinal >>> 3;
        if (((seen[at] ?? 0) & bit) !== 0) continue;
        seen[at] = (seen[at] ?? 0) | bit;
        if (segments.standing(ordinal) === "gone") continue;
        const holder = segments.packOf(ordinal);
        const { segmentBytes, directoryBytes } = readPackTableRow(
          segments.tableOf(holder),
          ordinal - holder.firstSegment,
        );
        bytes += segmentBytes + directoryBytes + packTableRowBytes;
      }
    }
    return bytes;
  }
}
