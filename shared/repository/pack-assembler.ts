import { createSha256, type Sha256 } from "#shared/crypto/sha256.ts";
import {
  encodePackHeader,
  encodePackSessions,
  encodePackTable,
  encodePackTrailer,
  type PackTableRow,
  packHeaderBytes,
} from "#shared/format/pack.ts";
import type { PackKind } from "#shared/format/segment.ts";
import { idFromBytes, type PackId } from "#shared/format/ids.ts";
import type { Random } from "#shared/random.ts";
import type { SealedSegment } from "./segment-builder.ts";

/** A whole pack, not yet stored. */
export type AssembledPack = {
  readonly packId: PackId;
  readonly kind: PackKind;
  readonly sha256: Uint8Array;
  readonly sizeBytes: number;
  readonly parts: readonly Uint8Array[];
  /** Those of the parts that are sealed segments, each in memory of its own. */
  readonly segments: readonly Uint8Array<ArrayBuffer>[];
  readonly table: Uint8Array;
  /** The session's ordinal of each row of the table. */
  readonly ordinals: readonly number[];
};

/** Lays sealed segments out as a pack, hashing as it goes. Memory: the segments until `finish`. */
export class PackAssembler {
  readonly kind: PackKind;
  readonly #header: Uint8Array;
  readonly #sessionId: Uint8Array;
  readonly #envelope: Uint8Array;
  readonly #hash: Sha256;
  readonly #segments: SealedSegment[] = [];
  #sizeBytes = packHeaderBytes;

  constructor(options: {
    kind: PackKind;
    storeId: Uint8Array;
    sessionId: Uint8Array;
    envelope: Uint8Array;
    random: Random;
  }) {
    this.kind = options.kind;
    this.#sessionId = options.sessionId;
    this.#envelope = options.envelope;
    this.#header = encodePackHeader({ kind: options.kind, storeId: options.storeId, salt: options.random(16) });
    this.#hash = createSha256();
    this.#hash.update(this.#header);
  }

  /** Bytes of header and segments so far. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Whether no segment was added. */
  get empty(): boolean {
    return this.#segments.length === 0;
  }

  /** Adds a segment; its bytes are kept, not copied. */
  add(segment: SealedSegment): void {
    this.#segments.push(segment);
    this.#sizeBytes += segment.sealed.byteLength;
    this.#hash.update(segment.sealed);
  }

  /** The whole pack. The assembler is not used afterwards. */
  finish(): AssembledPack {
    const rows: PackTableRow[] = [];
    let segmentOffset = packHeaderBytes;
    let directoryOffset = this.#sizeBytes;
    for (const segment of this.#segments) {
      rows.push({
        segmentId: segment.segmentId,
        sessionId: this.#sessionId,
        segmentOffset,
        segmentBytes: segment.sealed.byteLength,
        directoryOffset,
        directoryBytes: segment.sealedDirectory.byteLength,
      });
      segmentOffset += segment.sealed.byteLength;
      directoryOffset += segment.sealedDirectory.byteLength;
    }
    const sessions = encodePackSessions([{ sessionId: this.#sessionId, envelope: this.#envelope }]);
    const table = encodePackTable(rows);
    const tableOffset = directoryOffset + sessions.byteLength;
    const trailer = encodePackTrailer({
      header: this.#header,
      sessions,
      table,
      directoriesOffset: this.#sizeBytes,
      tableOffset,
    });
    const directories = this.#segments.map((segment) => segment.sealedDirectory);
    for (const part of [...directories, sessions, table, trailer]) this.#hash.update(part);
    const sha256 = this.#hash.digest();
    const segments = this.#segments.map((segment) => segment.sealed);
    return {
      packId: idFromBytes("pack", sha256),
      kind: this.kind,
      sha256,
      sizeBytes: tableOffset + table.byteLength + trailer.byteLength,
      parts: [this.#header, ...segments, ...directories, sessions, table, trailer],
      segments,
      table,
      ordinals: this.#segments.map((segment) => segment.ordinal),
    };
  }
}
