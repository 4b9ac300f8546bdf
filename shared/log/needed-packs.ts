import type { PackId, StateId } from "#shared/format/ids.ts";
import type { PackReference } from "#shared/format/state.ts";
import { idToBytes } from "#shared/format/ids.ts";
import type { LogState } from "./log-state.ts";
import { PackIdTable } from "./pack-id-table.ts";
import { resolveRow, rowsOf } from "./resolve-row.ts";
import type { NeedFacts } from "./rules/check-condemn.ts";

/**
 * What snapshots need, collected from the heads of their states: the facts by which packs may be condemned.
 *
 * Snapshots are added and never taken out: where one was removed meanwhile, more counts as needed than is, which is safe.
 * Memory: about 55 bytes for each pack that any of them references, and one bit for each of its segments.
 */
export class NeededPacks {
  readonly #packs = new PackIdTable();
  readonly #covered = new Set<StateId>();
  /** Where the bitmap of each pack begins in `#bits`, and its length in bytes. */
  #begins = new Float64Array(1024);
  #lengths = new Uint32Array(1024);
  #bits = new Uint8Array(16 * 1024);
  #bitsEnd = 0;
  #additions = 0;
  #last:
    | { readonly relocated: LogState["relocated"]; readonly additions: number; readonly facts: NeedFacts }
    | undefined;

  /** Adds what one snapshot references, from the head of its state. */
  add(stateId: StateId, references: Iterable<PackReference>): void {
    if (this.#covered.has(stateId)) return;
    for (const { packId, segments } of references)
      this.addReference(idToBytes(packId), 0, segments, 0, segments.byteLength);
    this.cover(stateId);
  }

  /** Adds one reference of a snapshot: the id of a pack (32 bytes of `ids` from `idAt`) and a bitmap of its rows. */
  addReference(ids: Uint8Array, idAt: number, segments: Uint8Array, segmentsAt: number, segmentsBytes: number): void {
    const known = this.#packs.size;
    const row = this.#packs.add(ids, idAt);
    if (row === known) this.#addBits(row, segments, segmentsAt, segmentsBytes);
    else this.#unite(row, segments, segmentsAt, segmentsBytes);
  }

  /** Says that all references of a snapshot were added. */
  cover(stateId: StateId): void {
    this.#covered.add(stateId);
    this.#additions++;
  }

  /** Whether a snapshot was added, whole. */
  covers(stateId: StateId): boolean {
    return this.#covered.has(stateId);
  }

  /** How many packs the snapshots name, before any relocation. */
  get size(): number {
    return this.#packs.size;
  }

  /** Which rows of a pack the snapshots reference by its own name; undefined: the pack is not referenced. A view: not to be kept. */
  referencedRows(packId: PackId): Uint8Array | undefined {
    const row = this.#packs.findId(packId);
    return row < 0 ? undefined : this.#bitsOf(row);
  }

  /** The packs that the snapshots name, before any relocation. */
  *referencedPacks(): Generator<PackId, void, undefined> {
    for (let row = 0; row < this.#packs.size; row++) yield this.#packs.idAt(row);
  }

  /**
   * The facts for an event that follows `state`. Takes time for the packs that were relocated and are referenced, but once only for the same
   * relocations and snapshots. They are true until a snapshot is added: ask again then.
   */
  facts(state: Pick<LogState, "relocated">): NeedFacts {
    const { relocated } = state;
    if (this.#last?.relocated === relocated && this.#last.additions === this.#additions) return this.#last.facts;
    const targets = new Set<PackId>();
    for (const packId of relocated.keys()) {
      const segments = this.referencedRows(packId);
      if (segments === undefined) continue;
      for (const row of rowsOf(segments)) targets.add(resolveRow(state, packId, row).packId);
    }
    const facts: NeedFacts = {
      relocated,
      covers: (stateId) => this.#covered.has(stateId),
      isNeeded: (packId) => targets.has(packId) || (this.#packs.findId(packId) >= 0 && !relocated.has(packId)),
    };
    this.#last = { relocated, additions: this.#additions, facts };
    return facts;
  }

  #bitsOf(row: number): Uint8Array {
    const begin = this.#begins[row] ?? 0;
    return this.#bits.subarray(begin, begin + (this.#lengths[row] ?? 0));
  }

  #addBits(row: number, segments: Uint8Array, at: number, lengthBytes: number): void {
    if (row >= this.#begins.length) {
      this.#begins = grown(this.#begins, new Float64Array(this.#begins.length * 2));
      this.#lengths = grown(this.#lengths, new Uint32Array(this.#lengths.length * 2));
    }
    if (this.#bitsEnd + lengthBytes > this.#bits.length) {
      this.#bits = grown(this.#bits, new Uint8Array(Math.max(this.#bits.length * 2, this.#bitsEnd + lengthBytes)));
    }
    for (let index = 0; index < lengthBytes; index++) this.#bits[this.#bitsEnd + index] = segments[at + index] ?? 0;
    this.#begins[row] = this.#bitsEnd;
    this.#lengths[row] = lengthBytes;
    this.#bitsEnd += lengthBytes;
  }

  #unite(row: number, segments: Uint8Array, at: number, lengthBytes: number): void {
    const knownBytes = this.#lengths[row] ?? 0;
    if (lengthBytes > knownBytes) {
      // The longer bitmap goes to the end; what the shorter one took is lost, which happens a few times for a pack at most.
      const known = this.#bitsOf(row).slice();
      this.#addBits(row, segments, at, lengthBytes);
      this.#unite(row, known, 0, known.byteLength);
      return;
    }
    const begin = this.#begins[row] ?? 0;
    for (let index = 0; index < lengthBytes; index++) {
      const bits = segments[at + index] ?? 0;
      this.#bits[begin + index] = (this.#bits[begin + index] ?? 0) | bits;
    }
  }
}

function grown<Column extends { set(from: Column): void }>(from: Column, to: Column): Column {
  to.set(from);
  return to;
}
