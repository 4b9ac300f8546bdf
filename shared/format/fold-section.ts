import { HoldfastError } from "#shared/errors.ts";
import { type CborMap, decodeCborMap, encodeCbor } from "./cbor.ts";
import { idFromBytes, idToBytes, type PackId, type StateId } from "./ids.ts";
import { formatLimits } from "./limits.ts";
import { checkPackTable, packTableRowBytes } from "./pack.ts";
import type { StatePack } from "./state.ts";

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

/** A pack that a relocation brought. */
export type PlacedPack = StatePack & {
  /** The entry that brought it. */
  readonly seq: number;
};

/** What a fold holds beside the rows of a checkpoint's head. Lists ascend by id. */
export type FoldSection = {
  readonly sweptStates: readonly { readonly stateId: StateId; readonly seq: number }[];
  readonly relocated: readonly (Relocation & { readonly packId: PackId })[];
  readonly placed: readonly PlacedPack[];
  readonly checkpoint?: { readonly seq: number; readonly sha256: Uint8Array };
  readonly graceMs?: number;
};

/** @see FORMAT.md, Checkpoint */
export function encodeFoldSection(fold: FoldSection): Uint8Array {
  return encodeCbor({
    version: 1,
    sweptStates: fold.sweptStates.map(({ stateId, seq }) => ({ state: idToBytes(stateId), seq })),
    relocated: fold.relocated.map(({ packId, seq, segments, runs }) => ({
      pack: idToBytes(packId),
      seq,
      segments,
      runs: runs.map((run) => ({ pack: idToBytes(run.packId), firstRow: run.firstRow, rows: run.rows })),
    })),
    placed: fold.placed.map(({ packId, kind, sizeBytes, table, seq }) => ({
      id: idToBytes(packId),
      kind,
      sizeBytes,
      table,
      seq,
    })),
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
  const version = map.integer("version", 1);
  if (version > 1) {
    throw new HoldfastError("incompatible", `Cannot read ${subject}: its version ${version} is newer than 1`, {
      hint: "Use a newer version of Holdfast.",
    });
  }
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
    sweptStates: map.maps("sweptStates").map((each) => {
      const row = { stateId: idFromBytes("state", each.bytes("state", 32)), seq: each.integer("seq", 1, lastSeq) };
      each.end();
      return row;
    }),
    relocated: map.maps("relocated").map((each) => decodeRelocation(each, lastSeq)),
    placed: map.maps("placed").map((each) => decodePlaced(each, lastSeq)),
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(graceMs === undefined ? {} : { graceMs }),
  };
  checkAscending(map, "sweptStates", fold.sweptStates, (each) => each.stateId);
  checkAscending(map, "relocated", fold.relocated, (each) => each.packId);
  checkAscending(map, "placed", fold.placed, (each) => each.packId);
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

function decodePlaced(map: CborMap, lastSeq: number): PlacedPack {
  const pack = {
    packId: idFromBytes("pack", map.bytes("id", 32)),
    kind: map.oneOf("kind", ["data", "meta"]),
    sizeBytes: map.integer("sizeBytes", 0, formatLimits.packBytes),
    table: map.bytes("table"),
    seq: map.integer("seq", 1, lastSeq),
  };
  if (pack.table.byteLength < packTableRowBytes) map.fail("table", "has no row");
  map.end();
  checkPackTable(pack.table, pack.sizeBytes, `pack ${pack.packId}`);
  return pack;
}

function checkAscending<Row>(map: CborMap, name: string, rows: readonly Row[], idOf: (row: Row) => string): void {
  let before = "";
  for (const row of rows) {
    const id = idOf(row);
    if (id <= before) map.fail(name, "does not ascend");
    before = id;
  }
}
