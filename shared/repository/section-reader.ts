import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { decompress } from "#shared/compression/decompress.ts";
import { PieceOpener } from "#shared/crypto/piece-opener.ts";
import { createSha256 } from "#shared/crypto/sha256.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { decodeIndexContent, indexAad } from "#shared/format/index-section.ts";
import { packTableRowBytes } from "#shared/format/pack.ts";
import type { SnapshotRecord } from "#shared/log/log-state.ts";
import { stateKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { largeSectionBytes } from "./blob-lookup.ts";
import type { IndexPart } from "./index-part.ts";
import { IndexRun } from "./index-run.ts";
import { joinStateIndex } from "./join-state-index.ts";
import { mergeIndexRows } from "./merge-index-rows.ts";
import type { PublishedStates, StateContents } from "./published-states.ts";
import { openStateSection } from "./read-state.ts";
import { SectionRun } from "./section-run.ts";
import type { SegmentTable } from "./segment-table.ts";

/** Bytes of a large section that are read by one request. */
const pieceBytes = 4 * 1024 * 1024;
/** Requests for pieces of one section at once. */
const piecesInFlight = 3;
/** Small sections read at once. */
const sectionsInFlight = 16;

/** What a reader of sections reads from. */
export type SectionReaderParts = {
  readonly store: Store;
  readonly storeIdBytes: Uint8Array;
  readonly indexKey: Uint8Array;
  readonly states: PublishedStates;
  readonly contentsOf: (record: SnapshotRecord) => Promise<StateContents>;
  /** Holds the packs of every state that is read. */
  readonly segments: SegmentTable;
  /** Is told which states' sections could not be read; they are left out. */
  readonly onProblem: (record: SnapshotRecord, error: HoldfastError) => Promise<void>;
};

/** Reads index sections of published states as parts of the index whose segments are ordinals of the segment table. */
export class SectionReader {
  readonly #parts: SectionReaderParts;

  constructor(parts: SectionReaderParts) {
    this.#parts = parts;
  }

  /** The sections of some states, in the order of the log, as one part. @throws {HoldfastError} unavailable */
  async read(records: readonly SnapshotRecord[]): Promise<IndexPart> {
    const [only] = records;
    if (only !== undefined && records.length === 1 && only.stateBytes - only.headBytes >= largeSectionBytes) {
      const read = await this.#orProblem(only, () => this.#readLarge(only));
      return read ?? new IndexRun(new Uint8Array(0));
    }
    const runs: Uint8Array[] = [];
    for (let from = 0; from < records.length; from += sectionsInFlight) {
      const batch = records.slice(from, from + sectionsInFlight);
      const rows = await Promise.all(batch.map((record) => this.#orProblem(record, () => this.#readRows(record))));
      runs.push(...rows.filter((each) => each !== undefined));
    }
    this.#parts.states.releaseSections();
    return new IndexRun(mergeIndexRows(runs, { copies: "keep" }));
  }

  async #orProblem<Read>(record: SnapshotRecord, read: () => Promise<Read>): Promise<Read | undefined> {
    try {
      return await read();
    } catch (error) {
      if (!isHoldfastError(error, "corrupt", "incompatible")) throw error;
      await this.#parts.onProblem(record, error);
      return undefined;
    }
  }

  async #readRows(record: SnapshotRecord): Promise<Uint8Array> {
    const { states, contentsOf, segments, indexKey, storeIdBytes } = this.#parts;
    const contents = await contentsOf(record);
    const section = await states.section(record, contents);
    const { packs } = contents;
    return joinStateIndex(
      openStateSection(section, record.stateId, { packs, indexKey, storeIdBytes }),
      contents,
      segments,
    );
  }

  async #readLarge(record: SnapshotRecord): Promise<IndexPart> {
    const contents = await this.#parts.contentsOf(record);
    let content: Uint8Array;
    try {
      content = await this.#openInPieces(record, contents);
    } catch (error) {
      // A part of a checkpoint may have what the state has not.
      if (!isHoldfastError(error, "corrupt", "absent")) throw error;
      return new IndexRun(await this.#readRows(record));
    }
    const subject = `the index of state ${record.stateId}`;
    const { codec, count, prefixes, encodedColumns } = decodeIndexContent(content, subject);
    if (codec > 1) throw new HoldfastError("incompatible", `Cannot read ${subject}: its codec ${codec} is not known`);
    const columns = codec === 0 ? encodedColumns : decompress(encodedColumns, count * 12);
    return new SectionRun({ prefixes, columns, ordinals: this.#ordinals(contents), subject });
  }

  /** The content of a section, of whose sealed bytes only a few pieces are in memory at a time. */
  async #openInPieces(record: SnapshotRecord, contents: StateContents): Promise<Uint8Array> {
    const { store, indexKey, storeIdBytes } = this.#parts;
    const { headBytes, stateId } = record;
    const { indexBytes } = contents;
    const aad = indexAad(
      storeIdBytes,
      contents.packs.map((pack) => pack.packId),
    );
    const hash = createSha256();
    const fetch = (offset: number): Promise<Uint8Array> => {
      const lengthBytes = Math.min(pieceBytes, indexBytes - offset);
      const piece = store.get(stateKey(stateId), { offsetBytes: headBytes + offset, lengthBytes });
      piece.catch(() => undefined); // its failure is met when its turn comes
      return piece;
    };
    const ahead: Promise<Uint8Array>[] = [];
    let opener: PieceOpener | undefined;
    let asked = 0;
    for (;;) {
      for (; ahead.length < piecesInFlight && asked < indexBytes; asked += pieceBytes) ahead.push(fetch(asked));
      const next = ahead.shift();
      if (next === undefined) break;
      const piece = await next;
      hash.update(piece);
      if (opener === undefined) {
        opener = new PieceOpener({ key: indexKey, nonce: piece.slice(0, 24), aad }, indexBytes - 24);
        opener.add(piece.subarray(24));
      } else opener.add(piece);
    }
    if (opener === undefined || !equalBytes(hash.digest(), contents.indexSha256)) {
      throw new HoldfastError("corrupt", `Cannot read the index of state ${stateId}: its checksum does not match`);
    }
    return opener.finish();
  }

  #ordinals({ packs }: StateContents): Uint32Array {
    const count = packs.reduce((sum, pack) => sum + pack.table.byteLength / packTableRowBytes, 0);
    const ordinals = new Uint32Array(count);
    let to = 0;
    for (const { packId, table } of packs) {
      const known = this.#parts.segments.findPack(packId);
      if (known === undefined) throw new HoldfastError("internal", `Cannot number the segments of pack ${packId}`);
      const rows = table.byteLength / packTableRowBytes;
      for (let row = 0; row < rows; row++) ordinals[to++] = known.firstSegment + row;
    }
    return ordinals;
  }
}
