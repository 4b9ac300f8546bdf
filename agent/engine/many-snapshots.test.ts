import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SnapshotSummary } from "#agent/commands/engine.ts";
import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { bundleKeys } from "#shared/crypto/bundle.ts";
import { seal } from "#shared/crypto/seal.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { createSigner } from "#shared/crypto/signing.ts";
import { systemClock } from "#shared/clock.ts";
import { idFromBytes, idToBytes } from "#shared/format/ids.ts";
import { encodeLogEntry, type LogEntry } from "#shared/format/log-entry.ts";
import { encodePackTable } from "#shared/format/pack.ts";
import { encodeSnapshotHeader } from "#shared/format/snapshot.ts";
import { snapshotAad } from "#shared/format/snapshot-aad.ts";
import { encodeStateHead, stateIdOf } from "#shared/format/state.ts";
import { foldEntry } from "#shared/log/fold-entry.ts";
import { seededRandom } from "#shared/log/log.fixtures.ts";
import { emptyLogState, type LogState } from "#shared/log/log-state.ts";
import { writeCheckpoint } from "#shared/log/write-checkpoint.ts";
import { createSmall, openSmall } from "#shared/operations/small-store.testing.ts";
import { silentReporter } from "#shared/operations/progress.ts";
import { systemRandom } from "#shared/random.ts";
import { sealIndexRows } from "#shared/repository/index-section.ts";
import { openBundle, readConfig } from "#shared/repository/open-repository.ts";
import { drawSession } from "#shared/repository/session-keys.ts";
import { checkpointKey, logKey, stateKey } from "#shared/store/object-key.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { meteredStore } from "#shared/store/metered-store.ts";
import type { Store } from "#shared/store/store.ts";
import { Patience } from "./patience.ts";
import { storeEngine } from "./store-engine.ts";

const commits = 10_000;
/** One commit in so many adds a pack and a blob. */
const commitsPerPack = 10;
const signer = createSigner(new Uint8Array(32).fill(3));
const store = memoryStore();
let home: string;

/** Publishes `commits` snapshots, each with a pack that is not there; only the newest entries are put, for a checkpoint folds the rest. */
async function makeStore(): Promise<LogState> {
  await createSmall(store);
  const { config, ...read } = await readConfig(store);
  const bundle = await openBundle(store, { config, ...read }, () => Promise.reject(new Error("no secret")));
  const { indexKey } = await bundleKeys(bundle);
  if (indexKey === undefined) throw new Error("no index key");
  const storeId = idToBytes(config.storeId);
  const random = seededRandom("many snapshots");
  const { sessionId, sessionKey, envelope } = await drawSession({ config, storeIdBytes: storeId, random });
  let state = emptyLogState(config.storeId);
  for (let number = 1; number <= commits; number++) {
    const commitId = idFromBytes("commit", random(16));
    const packId = idFromBytes("pack", random(32));
    const places = { segmentOffset: 48, segmentBytes: 100, directoryOffset: 148, directoryBytes: 60 };
    const table = encodePackTable([{ segmentId: random(24), sessionId, ...places }]);
    const pack = { packId, kind: "data", sizeBytes: 208 + 96 + 56 + 48, table } as const;
    const row = concatBytes(random(20), new Uint8Array(8), Uint8Array.of(1, 0, 0, 0));
    const isAdding = number % commitsPerPack === 0;
    const section = !isAdding
      ? new Uint8Array(0)
      : concatBytes(...sealIndexRows(() => row, { indexKey, storeId, packIds: [packId], random }));
    const nonce = random(24);
    const header = encodeSnapshotHeader({
      timeMs: number,
      durationMs: 1,
      host: `host${number % 7}`,
      user: "root",
      name: "default",
      tags: [`tag${number % 3}`],
      program: "test",
      sources: [],
      parent: undefined,
      errorCount: 0,
      errorList: undefined,
      lost: [],
    });
    const aad = snapshotAad(storeId, idToBytes(commitId));
    const head = encodeStateHead(
      {
        storeId: config.storeId,
        commitId,
        author: signer.publicKey,
        createdMs: number,
        baseSeq: number - 1,
        group: new Uint8Array(16),
        packs: isAdding ? [pack] : [],
        references: isAdding ? [{ packId, segments: Uint8Array.of(1) }] : [],
        sessions: [{ sessionId, envelope }],
        snapshotSession: sessionId,
        sealedSnapshot: concatBytes(nonce, seal({ key: sessionKey, nonce, aad }, header)),
        indexBytes: section.byteLength,
        indexSha256: sha256(section),
      },
      (message) => signer.sign(message),
    );
    const stateId = stateIdOf(head);
    await store.put(stateKey(stateId), [head, section]);
    const lengths = { headBytes: head.byteLength, stateBytes: head.byteLength + section.byteLength };
    const entry: LogEntry = {
      storeId: config.storeId,
      seq: number,
      prev: state.lastSha256,
      timeMs: number,
      commitId: idFromBytes("commit", random(16)),
      author: signer.publicKey,
      events: [{ type: "commit", stateId, commitId, ...lengths, revive: [] }],
    };
    const isPut = number === commits;
    const bytes = isPut ? encodeLogEntry(entry, (message) => signer.sign(message)) : random(32);
    if (isPut) await store.put(logKey(number), [bytes]);
    state = foldEntry(state, { entry, sha256: sha256(bytes) });
  }
  return state;
}

async function list(of: Store): Promise<{ snapshots: SnapshotSummary[]; notices: string[] }> {
  const notices: string[] = [];
  const engine = storeEngine({
    store: of,
    storeDirectory: undefined,
    storageClass: undefined,
    directories: { data: join(home, "data"), cache: join(home, "cache") },
    useCache: false,
    acceptRollback: false,
    concurrency: 4,
    patience: new Patience(undefined),
    secretSources: {
      keyfile: undefined,
      passphraseCommand: undefined,
      passphrase: undefined,
      terminal: () => Promise.resolve(undefined),
    },
    reporter: { ...silentReporter, notice: ({ message }) => void notices.push(message) },
    signal: new AbortController().signal,
  });
  const snapshots: SnapshotSummary[] = [];
  for await (const each of engine.snapshots({ tags: [], host: undefined, name: undefined, latest: undefined }))
    snapshots.push(each);
  return { snapshots, notices };
}

function requests({ meter }: ReturnType<typeof meteredStore>): number {
  return meter.gets + meter.heads + meter.lists + meter.puts + meter.deletes;
}

describe(`a store of ${commits} commits`, () => {
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), "holdfast-many-snapshots-"));
    const from = await makeStore();
    const written = await writeCheckpoint({ store, signer, clock: systemClock, random: systemRandom, from });
    expect(written).toMatchObject({ seq: commits, covered: commits, leftOut: 0, problems: [] });
  }, 60_000);
  afterAll(() => rmSync(home, { recursive: true }));

  it("is listed by a fresh client within 10 requests, with host, name and tags", async () => {
    const metered = meteredStore(store);
    const { snapshots, notices } = await list(metered.store);
    expect(notices).toEqual([]);
    expect(snapshots).toHaveLength(commits);
    expect(snapshots[41]).toMatchObject({ timeMs: 42, host: "host0", name: "default", tags: ["tag0"] });
    expect(requests(metered)).toBeLessThanOrEqual(10);
    expect(metered.meter.downBytes).toBeLessThan(10_000_000);
  });

  it("is opened with its whole index in a bounded number of requests", async () => {
    const metered = meteredStore(store);
    const repository = await openSmall(metered.store);
    await repository.loadIndex();
    expect(repository.problems).toEqual([]);
    expect(repository.index.count).toBe(commits / commitsPerPack);
    expect(repository.segments.count).toBe(commits / commitsPerPack);
    expect(requests(metered)).toBeLessThanOrEqual(10);
  });

  it("is not opened where its checkpoint and the log before it are gone: the log is the truth", async () => {
    const without: Store = {
      ...store,
      get: (key, range) => (key === checkpointKey(commits) ? store.get("nothing") : store.get(key, range)),
    };
    await expect(list(without)).rejects.toMatchObject({ kind: "corrupt" });
  });
});
