import type { SnapshotRecord } from "#shared/log/log-state.ts";
import type { StateId } from "#shared/format/ids.ts";
import type { BlobPlace } from "./blob-index.ts";
import type { IndexPart } from "./index-part.ts";
import { PrefixFilter } from "./prefix-filter.ts";
import type { SegmentTable } from "./segment-table.ts";

/** Bytes of index sections that are read at once at least: smaller steps would cost more requests than they save. */
const stepBytesMin = 8 * 1024 * 1024;
/** An index section of so many bytes is a part of its own; smaller ones are read together. */
export const largeSectionBytes = 1024 * 1024;
/** Bytes of index parts that are kept: about eight million blobs. */
const limitBytesUsual = 256 * 1024 * 1024;

/** Index sections that are read together, and what they hold while that is in memory. */
type Unit = {
  readonly records: readonly SnapshotRecord[];
  part: IndexPart | undefined;
  /** Says what it holds once it is not in memory. */
  filter: PrefixFilter | undefined;
  reading: Promise<IndexPart | undefined> | undefined;
  usedAt: number;
};

/** What a lookup reads from. */
export type BlobLookupParts = {
  readonly segments: SegmentTable;
  /** Reads index sections, as one part. What cannot be read of them is left out. */
  readonly read: (records: readonly SnapshotRecord[]) => Promise<IndexPart>;
  /** Bytes of index parts that are kept; one is kept however large it is. */
  readonly limitBytes?: number | undefined;
};

/**
 * Finds blobs by reading no more of the index than it takes: sections from the newest state on, more at each step, until one has the blob.
 *
 * Memory: parts of at most `limitBytes`, 32 bytes a blob; and a byte for each blob of parts that had to go.
 */
export class BlobLookup {
  readonly #parts: BlobLookupParts;
  readonly #limitBytes: number;
  readonly #units: Unit[] = [];
  /** States whose sections were not read yet; the next one last. */
  #waiting: SnapshotRecord[] = [];
  #readBytes = 0;
  #more: Promise<void> | undefined;
  #tick = 0;

  constructor(parts: BlobLookupParts) {
    this.#parts = parts;
    this.#limitBytes = parts.limitBytes ?? limitBytesUsual;
  }

  /** Learns of states, in the order of the log. Those that come later are asked first. */
  add(records: readonly SnapshotRecord[]): void {
    this.#waiting.push(...records.filter((record) => sectionBytes(record) > 0));
  }

  /** Has a state read before others, as one that probably holds what is looked up next. */
  prefer(stateId: StateId): void {
    const at = this.#waiting.findIndex((record) => record.stateId === stateId);
    if (at >= 0) this.#waiting.push(...this.#waiting.splice(at, 1));
  }

  /** Forgets all. */
  clear(): void {
    this.#units.length = 0;
    this.#waiting = [];
  }

  /**
   * The places where copies of a blob are read now, relocations followed: the live ones first, then those in condemned packs. Reads on only
   * while the caller asks for more.
   *
   * @throws {HoldfastError} unavailable
   */
  async *copies(ids: Uint8Array, offset = 0): AsyncGenerator<BlobPlace, void, undefined> {
    const { segments } = this.#parts;
    const searched = new Set<Unit>();
    const condemned: BlobPlace[] = [];
    const live = function* (part: IndexPart): Generator<BlobPlace> {
      for (const place of placesIn(part, ids, offset)) {
        const standing = segments.standing(place.segment);
        if (standing === "gone") continue;
        const now = { ...place, segment: segments.current(place.segment) };
        if (standing === "live") yield now;
        else condemned.push(now);
      }
    };
    for (;;) {
      let wanted: Unit | undefined;
      for (const unit of this.#units.slice()) {
        if (searched.has(unit)) continue;
        if (unit.part !== undefined) {
          searched.add(unit);
          for (const place of live(unit.part)) {
            this.#use(unit);
            yield place;
          }
        } else if (unit.filter?.mayHave(ids, offset) === false) searched.add(unit);
        else wanted ??= unit;
      }
      if (wanted !== undefined) {
        searched.add(wanted);
        const part = await this.#load(wanted);
        if (part !== undefined) yield* live(part);
      } else if (!(await this.#readMore()) && this.#units.every((unit) => searched.has(unit))) break;
    }
    yield* condemned;
  }

  /** Whether any state that was read tells of a blob, wherever it is now; where parts had to go, it may be wrong once in 50. */
  knows(ids: Uint8Array, offset = 0): boolean {
    return this.#units.some(({ part, filter }) =>
      part === undefined ? filter?.mayHave(ids, offset) === true : part.find(ids, offset) >= 0,
    );
  }

  /** Reads a step more. @returns false when nothing is left to be read */
  async #readMore(): Promise<boolean> {
    if (this.#more === undefined) {
      if (this.#waiting.length === 0) return false;
      this.#more = this.#readStep().finally(() => (this.#more = undefined));
    }
    await this.#more;
    return true;
  }

  async #readStep(): Promise<void> {
    const step = this.#takeStep();
    const small = step.filter((record) => sectionBytes(record) < largeSectionBytes);
    const groups = step.filter((record) => sectionBytes(record) >= largeSectionBytes).map((record) => [record]);
    if (small.length > 0) groups.push(small.sort((left, right) => left.seq - right.seq));
    for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
      const unit: Unit = { records: group, part: undefined, filter: undefined, reading: undefined, usedAt: 0 };
      try {
        await this.#load(unit);
      } catch (error) {
        this.#waiting.push(...groups.flat().toReversed(), ...group.toReversed());
        throw error;
      }
      this.#units.push(unit);
      this.#readBytes += group.reduce((sum, record) => sum + sectionBytes(record), 0);
    }
  }

  #takeStep(): SnapshotRecord[] {
    const wantedBytes = Math.max(stepBytesMin, this.#readBytes);
    const step: SnapshotRecord[] = [];
    for (let bytes = 0; bytes < wantedBytes;) {
      const record = this.#waiting.pop();
      if (record === undefined) break;
      step.push(record);
      bytes += sectionBytes(record);
    }
    return step;
  }

  #load(unit: Unit): Promise<IndexPart | undefined> {
    if (unit.part !== undefined) return Promise.resolve(unit.part);
    unit.reading ??= this.#read(unit).finally(() => (unit.reading = undefined));
    return unit.reading;
  }

  async #read(unit: Unit): Promise<IndexPart> {
    const part = await this.#parts.read(unit.records);
    unit.part = part;
    this.#use(unit);
    this.#evict(unit);
    return part;
  }

  #use(unit: Unit): void {
    unit.usedAt = ++this.#tick;
  }

  /** Lets go what was not used for longest, until the rest fits. */
  #evict(newest: Unit): void {
    const held = this.#units.filter((unit) => unit.part !== undefined && unit !== newest);
    let bytes = held.reduce((sum, unit) => sum + (unit.part?.sizeBytes ?? 0), newest.part?.sizeBytes ?? 0);
    for (const unit of held.sort((left, right) => left.usedAt - right.usedAt)) {
      if (bytes <= this.#limitBytes) return;
      if (unit.part === undefined) continue;
      bytes -= unit.part.sizeBytes;
      unit.filter ??= new PrefixFilter(unit.part);
      unit.part = undefined;
    }
  }
}

function sectionBytes(record: SnapshotRecord): number {
  return record.stateBytes - record.headBytes;
}

/** The places of all copies of a blob in a part, the latest first. */
function* placesIn(part: IndexPart, ids: Uint8Array, offset: number): Generator<BlobPlace> {
  const last = part.find(ids, offset);
  for (let row = last; row >= 0 && part.isCopy(row, last); row--) {
    yield { segment: part.segmentOf(row), offsetBytes: part.offsetOf(row), lengthBytes: part.lengthOf(row) };
  }
}
