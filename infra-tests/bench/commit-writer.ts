/** One writer of the bench of commits: a process that is told by a message where to commit and how long. */
import { systemClock } from "#shared/clock.ts";
import { createSigner } from "#shared/crypto/signing.ts";
import { idFromBytes } from "#shared/format/ids.ts";
import { emptyLogState } from "#shared/log/log-state.ts";
import { testState, testStoreId } from "#shared/log/log.fixtures.ts";
import { publishState } from "#shared/log/publish-state.ts";
import { stageState } from "#shared/log/stage-state.ts";
import { systemRandom } from "#shared/random.ts";
import { directoryStore } from "#shared/store/directory-store.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import type { S3StoreOptions } from "#shared/store/s3-client.ts";
import { openS3Store } from "#shared/store/s3-store.ts";
import type { Store } from "#shared/store/store.ts";

/** Where to commit. */
export type CommitPlace =
  | { readonly kind: "directory"; readonly directory: string }
  | { readonly kind: "s3"; readonly options: S3StoreOptions };

/** What a writer is told. */
export type CommitTask = { readonly place: CommitPlace; readonly seed: string; readonly forMs: number };

/** What a writer tells: how long each of its commits took, staging and publishing. */
export type CommitTimes = {
  readonly commitMs: readonly number[];
  /** Processor time that they took together. */
  readonly cpuMs: number;
};

process.once("message", (task) => {
  commitWhere(task as CommitTask).then(
    (times) => process.send?.(times satisfies CommitTimes),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exitCode = 1;
      process.disconnect();
    },
  );
});
const warmUp = memoryStore();
await commitFor(warmUp, { seed: `warm-up/${process.pid}`, count: 30 });
process.send?.("ready");

async function commitWhere({ place, seed, forMs }: CommitTask): Promise<CommitTimes> {
  const store: Store = place.kind === "directory" ? directoryStore(place.directory) : await openS3Store(place.options);
  const times = await commitFor(store, { seed, forMs });
  await store.close();
  return times;
}

async function commitFor(
  store: Store,
  {
    seed,
    forMs = Infinity,
    count = Infinity,
  }: { readonly seed: string; readonly forMs?: number; readonly count?: number },
): Promise<CommitTimes> {
  const signer = createSigner(systemRandom(32));
  const commitMs: number[] = [];
  let from = emptyLogState(testStoreId);
  const cpu = process.cpuUsage();
  const endMs = performance.now() + forMs;
  for (let number = 0; number < count && performance.now() < endMs; number++) {
    const startMs = performance.now();
    const commitId = idFromBytes("commit", systemRandom(16));
    const { headBytes, section } = testState(`${seed}/${number}`, { commitId, baseSeq: from.seq });
    const staged = await stageState(store, headBytes, [section]);
    const atLeast = { seq: from.seq, sha256: from.lastSha256 };
    const appender = { store, signer, clock: systemClock, random: systemRandom, from, atLeast };
    from = (await publishState(appender, { staged })).state;
    commitMs.push(performance.now() - startMs);
  }
  const { user, system } = process.cpuUsage(cpu);
  return { commitMs, cpuMs: (user + system) / 1000 };
}
