import { sha256 } from "#shared/crypto/sha256.ts";
import { type CommitId, idFromBytes, type PackId, type StateId } from "#shared/format/ids.ts";
import type { LogEntry, LogEvent } from "#shared/format/log-entry.ts";
import { encodePackTable, packHeaderBytes, packSessionRowBytes, packTrailerBytes } from "#shared/format/pack.ts";
import type { StatePack } from "#shared/format/state.ts";
import { signer, storeId, vectorTimeMs } from "./fixed-store.testing.ts";

/** The id of a state, by its name. */
export const state = (name: string): StateId => idFromBytes("state", sha256(Buffer.from(`state ${name}`)));
/** The id of a pack, by its name. */
export const pack = (name: string): PackId => idFromBytes("pack", sha256(Buffer.from(`pack ${name}`)));
/** A commit id, by its name. */
export const commit = (name: string): CommitId => idFromBytes("commit", sha256(Buffer.from(`commit ${name}`)).slice(0, 16));

/** Publishes a state. */
export const publish = (name: string, change: Partial<Extract<LogEvent, { type: "commit" }>> = {}): LogEvent => ({
  type: "commit",
  stateId: state(name),
  commitId: commit(name),
  headBytes: 1000,
  stateBytes: 1500,
  revive: [],
  ...change,
});

/** A log entry. */
export function entryOf(seq: number, prev: Uint8Array, events: readonly LogEvent[], change: Partial<LogEntry> = {}): LogEntry {
  return {
    storeId,
    seq,
    prev,
    timeMs: vectorTimeMs + seq,
    commitId: commit(`entry ${seq}`),
    author: signer.publicKey,
    events,
    ...change,
  };
}

/** What the first entry has for the hash of the one before. */
export const zeros = new Uint8Array(32);

/** A pack of `rows` segments whose ids follow from `first` on, as an event names it. */
export function placed(name: string, first: number, rows: number): StatePack {
  const table = encodePackTable(
    Array.from({ length: rows }, (_each, row) => ({
      segmentId: new Uint8Array(24).fill(first + row),
      sessionId: new Uint8Array(16).fill(1),
      segmentOffset: 48 + row * 10,
      segmentBytes: 10,
      directoryOffset: 48 + rows * 10 + row * 5,
      directoryBytes: 5,
    })),
  );
  const sizeBytes = packHeaderBytes + rows * 15 + packSessionRowBytes + table.byteLength + packTrailerBytes;
  return { packId: pack(name), kind: "data", sizeBytes, table };
}

/** Moves rows 0 and 9 of pack `a` and row 1 of pack `b` to packs `m` (two rows) and `n` (one row). */
export const relocation: Extract<LogEvent, { type: "relocate" }> = {
  type: "relocate",
  from: [
    { packId: pack("a"), segments: Uint8Array.of(0b1, 0b10) },
    { packId: pack("b"), segments: Uint8Array.of(0b10) },
  ],
  to: [placed("m", 1, 2), placed("n", 3, 1)],
};
