/** What the tests of the log build their stores from: seeded, so that a failing test gives the same bytes again. */
import { sha256 } from "#shared/crypto/sha256.ts";
import { createSigner, type Signer } from "#shared/crypto/signing.ts";
import { type CommitId, idFromBytes, type PackId, parseId, type StateId, type StoreId } from "#shared/format/ids.ts";
import { encodeLogEntry, type LogEntry, type LogEvent } from "#shared/format/log-entry.ts";
import { encodePackTable, packSessionRowBytes, packTableRowBytes, packTrailerBytes } from "#shared/format/pack.ts";
import { encodeStateHead, type StateHead, stateIdOf, type StatePack } from "#shared/format/state.ts";
import type { Random } from "#shared/random.ts";
import { logKey, packKey } from "#shared/store/object-key.ts";
import { manualClock } from "#shared/store/manual-clock.ts";
import type { Store } from "#shared/store/store.ts";
import type { Appender } from "./append-entry.ts";
import type { StoredEntry } from "./fold-entry.ts";
import { emptyLogState, type LogState } from "./log-state.ts";
import { stageState, type StagedState } from "./stage-state.ts";

/** The store of all these tests. */
export const testStoreId = parseId("store", "00112233445566778899aabbccddeeff");

/** The author of all these tests. */
export const testSigner: Signer = createSigner(new Uint8Array(32).fill(7));

/** Bytes that follow from the seed: SHA-256 in counter mode. */
export function seededRandom(seed: string): Random {
  let counter = 0;
  return (lengthBytes) => {
    const bytes = new Uint8Array(lengthBytes);
    for (let at = 0; at < lengthBytes; at += 32)
      bytes.set(sha256(Buffer.from(`${seed}/${counter++}`)).subarray(0, lengthBytes - at), at);
    return bytes;
  };
}

/** An id that follows from a name. */
export function testId<Kind extends "pack" | "state" | "commit">(
  kind: Kind,
  name: string,
): { pack: PackId; state: StateId; commit: CommitId }[Kind] {
  const bytes = sha256(Buffer.from(`${kind}/${name}`));
  const ids = {
    pack: idFromBytes("pack", bytes),
    state: idFromBytes("state", bytes),
    commit: idFromBytes("commit", bytes.subarray(0, 16)),
  };
  return ids[kind];
}

/** A pack of two segments, and the bytes that its id and size belong to. */
export function testPack(name: string): { readonly pack: StatePack; readonly bytes: Uint8Array } {
  const rows = [0, 1].map((row) => ({
    segmentId: new Uint8Array(24).fill(row),
    sessionId: new Uint8Array(16).fill(1),
    segmentOffset: 48 + row * 10,
    segmentBytes: 10,
    directoryOffset: 68 + row * 5,
    directoryBytes: 5,
  }));
  const bytes = new Uint8Array(78 + packSessionRowBytes + 2 * packTableRowBytes + packTrailerBytes);
  bytes.set(Buffer.from(`pack ${name}`).subarray(0, 78));
  const packId = idFromBytes("pack", sha256(bytes));
  return { pack: { packId, kind: "data", sizeBytes: bytes.byteLength, table: encodePackTable(rows) }, bytes };
}

/** What `testState` may be told. */
export type TestStateOptions = {
  readonly packs?: readonly StatePack[];
  readonly references?: readonly PackId[];
  readonly baseSeq?: number;
  readonly storeId?: StoreId;
  readonly commitId?: CommitId;
};

/** The head of a state named `name`, which by default references all of its own packs, and its index section. */
export function testState(
  name: string,
  options: TestStateOptions = {},
): {
  readonly stateId: StateId;
  readonly head: StateHead;
  readonly headBytes: Uint8Array;
  readonly section: Uint8Array;
} {
  const section = Buffer.from(`sealed index of ${name}`);
  const { packs = [], baseSeq = 0, commitId = testId("commit", name) } = options;
  const references = options.references ?? packs.map((each) => each.packId);
  const head: StateHead = {
    storeId: options.storeId ?? testStoreId,
    commitId,
    author: testSigner.publicKey,
    createdMs: 1_700_000_000_000,
    baseSeq,
    group: new Uint8Array(16),
    packs,
    references: references.map((packId) => ({ packId, segments: Uint8Array.of(0b11) })),
    sessions: [{ sessionId: new Uint8Array(16), envelope: new Uint8Array(80) }],
    snapshotSession: new Uint8Array(16),
    sealedSnapshot: new TextEncoder().encode(`sealed snapshot of ${name}`),
    indexBytes: section.byteLength,
    indexSha256: sha256(section),
  };
  const headBytes = encodeStateHead(head, (message) => testSigner.sign(message));
  return { stateId: stateIdOf(headBytes), head, headBytes, section };
}

/** Puts a state's packs and stages the state. */
export async function stageTestState(
  store: Store,
  name: string,
  options: Omit<TestStateOptions, "packs"> = {},
): Promise<StagedState> {
  const { pack, bytes } = testPack(name);
  await store.put(packKey(pack.packId), [bytes], { sha256: sha256(bytes) });
  const { headBytes, section } = testState(name, { ...options, packs: [pack] });
  return await stageState(store, headBytes, [section]);
}

/** A `commit` event of a state that exists in name only: enough for the fold. */
export function testCommit(name: string, revive: readonly PackId[] = []): Extract<LogEvent, { type: "commit" }> {
  return {
    type: "commit",
    stateId: testId("state", name),
    commitId: testId("commit", name),
    headBytes: 1000,
    stateBytes: 1500,
    revive,
  };
}

/** The entry that follows `state` and holds `events`, with changes by `change`. */
export function testEntry(
  state: LogState,
  events: readonly LogEvent[],
  change: Partial<LogEntry> = {},
): StoredEntry & { readonly bytes: Uint8Array<ArrayBuffer> } {
  const entry: LogEntry = {
    storeId: state.storeId,
    seq: state.seq + 1,
    prev: state.lastSha256,
    timeMs: 1_700_000_000_000 + state.seq,
    commitId: testId("commit", `entry ${state.seq + 1}`),
    author: testSigner.publicKey,
    events,
    ...change,
  };
  const bytes = encodeLogEntry(entry, (message) => testSigner.sign(message));
  return { entry, bytes, sha256: sha256(bytes) };
}

/** Puts an entry under its number. */
export function putEntry(store: Store, entry: StoredEntry & { readonly bytes: Uint8Array }): Promise<void> {
  return store.put(logKey(entry.entry.seq), [entry.bytes]);
}

/** An appender on `store` whose clock needs no time and whose random follows from `seed`. */
export function testAppender(store: Store, seed: string, more: Partial<Appender> = {}): Appender {
  return {
    store,
    signer: testSigner,
    clock: manualClock(1_700_000_000_000),
    random: seededRandom(seed),
    from: emptyLogState(testStoreId),
    ...more,
  };
}
