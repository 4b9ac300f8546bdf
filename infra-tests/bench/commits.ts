/**
 * How many commits a second a store takes: `node infra-tests/bench/commits.ts [STORE …] [--writers 1,8,32] [--seconds 10] [--delay 30]`.
 *
 * STORE is a directory in which stores are made and deleted again, or `s3` for an S3 server on this machine (VersityGW if it is found, else s3rver behind its
 * shim) behind a proxy that delays what passes by `--delay` ms each way. Default: `/dev/shm`, the temporary directory, and `s3`. Each writer is a process of its own; it stages
 * tiny states and publishes them one after the other, as fast as it can. Prints commits a second, how long single commits took, and how even the
 * writers fared. It asserts nothing. The log is folded at the end, so every commit that is counted is there.
 */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startHonestS3rver } from "#infra-tests/s3/honest-s3rver.ts";
import { startLatencyProxy } from "#infra-tests/s3/latency-proxy.ts";
import { findVersitygw, startVersitygw } from "#infra-tests/s3/versitygw.ts";
import { emptyLogState } from "#shared/log/log-state.ts";
import { testStoreId } from "#shared/log/log.fixtures.ts";
import { readLog } from "#shared/log/read-log.ts";
import { directoryStore } from "#shared/store/directory-store.ts";
import { openS3Store } from "#shared/store/s3-store.ts";
import type { Store } from "#shared/store/store.ts";
import type { CommitPlace, CommitTask, CommitTimes } from "./commit-writer.ts";
import { percentile } from "./statistics.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    writers: { type: "string", default: "1,8,32" },
    seconds: { type: "string", default: "10" },
    delay: { type: "string", default: "30" },
  },
});
const seconds = Number(values.seconds);
const delayMs = Number(values.delay);
const counts = values.writers.split(",").map(Number);
const wanted = positionals.length > 0 ? positionals : ["/dev/shm", tmpdir(), "s3"];

for (const where of wanted) {
  if (where === "s3") await onS3();
  else for (const writers of counts) await inDirectory(where, writers);
}

async function inDirectory(parent: string, writers: number): Promise<void> {
  const directory = mkdtempSync(join(parent, "holdfast-commits-"));
  try {
    await measure(`directory in ${parent}`, { kind: "directory", directory }, writers);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function onS3(): Promise<void> {
  const program = findVersitygw(process.env["PATH"] ?? "");
  const server = program === undefined ? await startHonestS3rver() : await startVersitygw(program);
  const proxy = await startLatencyProxy(server.options.endpoint ?? "", delayMs);
  const name = `${program === undefined ? "s3rver behind its shim" : "VersityGW"}, ${2 * delayMs} ms round trip`;
  try {
    for (const writers of counts) {
      const options = { ...server.options, endpoint: proxy.endpoint, prefix: `commits-${writers}` };
      await measure(name, { kind: "s3", options }, writers);
    }
  } finally {
    await proxy.stop();
    await server.stop();
  }
}

async function measure(name: string, place: CommitPlace, writers: number): Promise<void> {
  const program = fileURLToPath(new URL("commit-writer.ts", import.meta.url));
  const children = Array.from({ length: writers }, () => fork(program));
  try {
    await Promise.all(children.map((child) => message<"ready">(child)));
    const results = children.map((child) => message<CommitTimes>(child));
    for (const [index, child] of children.entries()) {
      child.send({ place, seed: `${writers}/${index}`, forMs: seconds * 1000 } satisfies CommitTask);
    }
    const times = await Promise.all(results);
    const all = times.flatMap((each) => each.commitMs).toSorted((left, right) => left - right);
    const perWriter = times.map((each) => each.commitMs.length).toSorted((left, right) => left - right);
    const store = await openPlace(place);
    const { snapshots } = await readLog({ store, from: emptyLogState(testStoreId) });
    await store.close();
    if (snapshots.size !== all.length)
      throw new Error(`${all.length} commits were counted, ${snapshots.size} are there`);
    const at = (share: number): string => `${percentile(all, share).toFixed(1)} ms`;
    console.log(
      `${name}: ${writers} writers, ${(all.length / seconds).toFixed(1)} commits/s; p50 ${at(0.5)}, p99 ${at(0.99)}, longest ${at(1)}; ` +
        `each writer ${perWriter[0]} to ${perWriter.at(-1)} commits, ${(times.reduce((sum, each) => sum + each.cpuMs, 0) / all.length).toFixed(2)} ms of processor time a commit`,
    );
  } finally {
    for (const child of children) child.kill();
  }
}

function message<Kind>(child: ChildProcess): Promise<Kind> {
  return new Promise((resolve, reject) => {
    child.once("message", (given) => resolve(given as Kind));
    child.once("exit", (code) => reject(new Error(`A writer ended with ${code}`)));
  });
}

async function openPlace(place: CommitPlace): Promise<Store> {
  return place.kind === "directory" ? directoryStore(place.directory) : openS3Store(place.options);
}
