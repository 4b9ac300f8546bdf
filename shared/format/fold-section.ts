import { type CborMap, decodeCborMap, encodeCbor } from "./cbor.ts";
import { decodeIdRows, encodeIdRows, type IdRows, readSeq, writeU64 } from "./id-rows.ts";
import { type HexId, idFromBytes, idToBytes, type PackId, type StateId } from "./ids.ts";
import { sectionVersion } from "./section-version.ts";
import { decodeStatePack } from "./state.ts";

/** The name of the section of a checkpoint that holds what its head does not hold of the fold. */
export const foldSectionName = "fold";

/** Rows of the table of a new pack that take the place of as many rows of an old one. */
export type RowRun = { readonly packId: PackId; readonly firstRow: number; readonly rows: number };

/** Where the segments of one pack went. */
export type Relocation = {
  /** The entry that says so. */
  readonly seq: number;
  /** The rows that moved: bit n (least significant first) stands for row n of the old pack's table. */
  readonly segments: Uint8Array;
  /** Where they are, in order: as many rows as `segments` marks. */
  readonly runs: readonly RowRun[];
};

/** What a fold holds beside the rows of a checkpoint's head. Lists ascend by id. */
export type FoldSection = {
  /** States that were swept, and the entry that did it. */
  readonly sweptStates: FoldRows<StateId>;
  readonly relocated: readonly (Relocation & { readonly packId: PackId })[];
  /** Packs that relocations placed, and the entry of each. */
  readonly placed: FoldRows<PackId>;
  readonly checkpoint?: { readonly seq: number; readonly sha256: Uint8Array };
  readonly graceMs?: number;
};

/** Ids with the number of an entry each: flat, for there may be millions of them. */
export type FoldRows<Id extends PackId | StateId> = IdRows<{ readonly id: Id; readonly seq: number }>;

/** A row of `sweptStates` and `placed`: the state or pack 32, the entry that swept or placed it 8. */
const foldRow = { rowBytes: 40, idBytes: 32 };

/** @see FORMAT.md, Checkpoint */
export function encodeFoldSection(fold: FoldSection): Uint8Array {
  return encodeCbor({
    version: 2,
    sweptStates: encodeFoldRows(fold.sweptStates),
    relocated: fold.relocated.map(({ packId, seq, segments, runs }) => ({
      pack: idToBytes(packId),
      seq,
      segments,
      runs: runs.map((run) => ({ pack: idToBytes(run.packId), firstRow: run.firstRow, rows: run.rows })),
    })),
    placed: encodeFoldRows(fold.placed),
    checkpoint: fold.checkpoint === undefined ? [] : [{ seq: fold.checkpoint.seq, sha256: fold.checkpoint.sha256 }],
    graceMs: fold.graceMs === undefined ? [] : [{ graceMs: fold.graceMs }],
  });
}

/**
 * Decodes the section and checks its shape.
 *
 * @param lastSeq - the last entry that the checkpoint folds
 * @throws {HoldfastError} corrupt or incompatible
 */
export function decodeFoldSection(bytes: Uint8Array, lastSeq: number, subject: string): FoldSection {
  const map = decodeCborMap(bytes, subject);
  const version = sectionVersion(map, 2, subject);
  const checkpoints = map.maps("checkpoint").map((each) => {
    const mark = { seq: each.integer("seq", 1, lastSeq), sha256: each.bytes("sha256", 32) };
    each.end();
    return mark;
  });
  const graces = map.maps("graceMs").map((each) => {
    const graceMs = each.integer("graceMs");
    each.end();
    return graceMs;
  });
  if (checkpoints.length > 1) map.fail("checkpoint", "names more than one");
  if (graces.length > 1) map.fail("graceMs", "names more than one");
  const [checkpoint] = checkpoints;
  const [graceMs] = graces;
  const fold: FoldSection = {
    sweptStates:
      version === 1
        ? map.maps("sweptStates").map((each) => {
            const row = { id: idFromBytes("state", each.bytes("state", 32)), seq: each.integer("seq", 1, lastSeq) };
            each.end();
            return row;
          })
        : decodeFoldRows("state", map.bytes("sweptStates"), lastSeq, `${subject}, swept states`),
    relocated: map.maps("relocated").map((each) => decodeRelocation(each, lastSeq)),
    placed:
      version === 1
        ? map.maps("placed").map((each) => decodePlaced(each, lastSeq))
        : decodeFoldRows("pack", map.bytes("placed"), lastSeq, `${subject}, placed packs`),
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(graceMs === undefined ? {} : { graceMs }),
  };
  checkAscending(map, "sweptStates", fold.sweptStates, (each) => each.id);
  checkAscending(map, "relocated", fold.relocated, (each) => each.packId);
  checkAscending(map, "placed", fold.placed, (each) => each.id);
  map.end();
  return fold;
}

function decodeRelocation(map: CborMap, lastSeq: number): Relocation & { readonly packId: PackId } {
  const relocation = {
    packId: idFromBytes("pack", map.bytes("pack", 32)),
    seq: map.integer("seq", 1, lastSeq),
    segments: map.bytes("segments"),
    runs: map.maps("runs").map((each) => {
      const run = {
        packId: idFromBytes("pack", each.bytes("pack", 32)),
        firstRow: each.integer("firstRow"),
        rows: each.integer("rows", 1),
      };
      each.end();
      return run;
    }),
  };
  let marked = 0;
  for (let bits of relocation.segments) for (; bits !== 0; bits &= bits - 1) marked++;
  if (relocation.runs.reduce((sum, run) => sum + run.rows, 0) !== marked) map.fail("runs", "are not as many as moved");
  map.end();
  return relocation;
}

/** A row of version 1, which held the pack's table too. */
function decodePlaced(map: CborMap, lastSeq: number): { readonly id: PackId; readonly seq: number } {
  const seq = map.integer("seq", 1, lastSeq);
  const { packId, table } = decodeStatePack(map);
  if (table.byteLength === 0) map.fail("table", "has no row");
  return { id: packId, seq };
}

function encodeFoldRows(rows: FoldRows<PackId | StateId>): Uint8Array {
  return encodeIdRows(rows, foldRow, (writer, { id, seq }) => {
    writer.raw(idToBytes(id));
    writeU64(writer, seq);
  });
}

function decodeFoldRows<Kind extends "pack" | "state">(
  kind: Kind,
  bytes: Uint8Array,
  lastSeq: number,
  subject: string,
): IdRows<{ readonly id: HexId<Kind>; readonly seq: number }> {
  return decodeIdRows(bytes, foldRow, subject, (reader) => ({
    id: idFromBytes(kind, reader.view(32)),
    seq: readSeq(reader, lastSeq),
  }));
}

function checkAscending<Row>(map: CborMap, name: string, rows: Iterable<Row>, idOf: (row: Row) => string): void {
  let before = "";
  for (const row of rows) {
    const id = idOf(row);
    if (id <= before) map.fail(name, "does not ascend");
    before = id;
  }
}
