/**
 * How much a long line costs a restore: `node infra-tests/bench/latency.ts [--mib 1024] [--files 1000] [--delay 50] [--rounds 3]`.
 *
 * Restores files of random content from a real S3 server to memory, directly, through a proxy, and through the proxy with a delay
 * in each direction, in turn, without any cache; prints medians and the ratio that the delay costs. It asserts nothing.
 */
import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { Sandbox } from "#infra-tests/e2e/sandbox.ts";
import { startHonestS3rver } from "#infra-tests/s3/honest-s3rver.ts";
import { startLatencyProxy } from "#infra-tests/s3/latency-proxy.ts";
import type { S3Server } from "#infra-tests/s3/s3-server.ts";
import { findVersitygw, startVersitygw } from "#infra-tests/s3/versitygw.ts";
import { systemRandom } from "#shared/random.ts";
import { summarize } from "./statistics.ts";

const { values } = parseArgs({
  options: {
    mib: { type: "string", default: "1024" },
    files: { type: "string", default: "1000" },
    delay: { type: "string", default: "50" },
    rounds: { type: "string", default: "3" },
  },
});
const totalBytes = Number(values.mib) * 2 ** 20;
const files = Number(values.files);
const delayMs = Number(values.delay);
const rounds = Number(values.rounds);

const sandbox = new Sandbox();
const memory = new Sandbox({ in: existsSync("/dev/shm") ? "/dev/shm" : tmpdir() });
const program = findVersitygw(process.env["PATH"] ?? "");
const server: S3Server = program === undefined ? await startHonestS3rver() : await startVersitygw(program);
const endpoint = server.options.endpoint ?? "";
const plain = await startLatencyProxy(endpoint, 0);
const slow = await startLatencyProxy(endpoint, delayMs);
try {
  await run();
} finally {
  await Promise.all([plain.stop(), slow.stop()]);
  await server.stop();
  sandbox.remove();
  memory.remove();
}

async function run(): Promise<void> {
  console.log(
    `${files} files of ${values.mib} MiB in all, ${program === undefined ? "s3rver behind its shim" : "VersityGW"}, ${delayMs} ms each way`,
  );
  makeFiles();
  await holdfast(endpoint, "create");
  const backedUp = performance.now();
  await holdfast(endpoint, "backup", sandbox.path("source"));
  console.log(`backup, directly: ${seconds(performance.now() - backedUp)}`);
  const ways = { directly: endpoint, "through the proxy": plain.endpoint, "with the delay": slow.endpoint };
  const taken = new Map<string, number[]>(Object.keys(ways).map((way) => [way, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [way, at] of Object.entries(ways)) {
      const target = memory.path("restored");
      const startMs = performance.now();
      await holdfast(at, "restore", "latest", "--to", target);
      taken.get(way)?.push(performance.now() - startMs);
      rmSync(target, { recursive: true });
    }
  }
  const medians = new Map([...taken].map(([way, times]) => [way, summarize(times)?.median ?? 0]));
  for (const [way, ms] of medians) {
    console.log(`restore, ${way}: ${seconds(ms)}  (${(taken.get(way) ?? []).map(seconds).join(", ")})`);
  }
  const ratio = (medians.get("with the delay") ?? 0) / (medians.get("through the proxy") ?? 1);
  console.log(`ratio: ${ratio.toFixed(2)}  (connections opened: ${slow.connections() / rounds} a run)`);
}

function makeFiles(): void {
  mkdirSync(sandbox.path("source"));
  const each = Math.floor(totalBytes / files);
  for (let n = 0; n < files; n++) {
    const fd = openSync(sandbox.path("source", `file-${n}`), "wx");
    for (let left = each; left > 0;) left -= writeSync(fd, systemRandom(Math.min(left, 4 << 20)));
    closeSync(fd);
  }
}

async function holdfast(at: string, ...args: readonly string[]): Promise<void> {
  const { bucket, region, credentials } = server.options;
  const location = `s3://${bucket}/bench?endpoint=${encodeURIComponent(at)}&region=${region}&path-style=1`;
  await sandbox.do(["--no-cache", "at", location, ...args], {
    env: { AWS_ACCESS_KEY_ID: credentials?.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials?.secretAccessKey },
  });
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}
