/**
 * Puts load on a mount, and on other servers over the same files: `node infra-tests/gateway/load.ts [--seconds N] [--clients N] [--idle N]
 * [--files N] [--rounds N]`. Prints tables; ends with 1 when a request failed or memory was over its bound.
 *
 * The servers are started anew in each round, in an order that rotates, after this process has warmed up: whoever comes first would be asked by a client whose
 * code is not compiled yet. Rates and times are medians of the rounds.
 *
 * Clients and server share the machine, so that the rates are for comparing with one another. Files are in the system's cache for all servers: "cold"
 * is what this process of the server was not asked for before.
 */
import { execFileSync } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { rotated } from "#infra-tests/bench/rotated.ts";
import { percentile } from "#infra-tests/bench/statistics.ts";
import { load, type LoadRequest, type LoadResult } from "./load-clients.ts";
import { type Served, type ServedTree, serveHoldfast, serveNginx, serveRclone } from "./served.ts";

const mebibyte = 1024 * 1024;
const fileBytes = 4 * mebibyte;
const rangeBytes = 256 * 1024;
/** Bytes that are asked for again and again: less than any server's cache. */
const hotBytes = 8 * mebibyte;
/** Mebibytes of resident memory that a mount may take under the load. */
const memoryMaxMib = 512;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "15" },
    clients: { type: "string", default: "64" },
    idle: { type: "string", default: "10000" },
    files: { type: "string", default: "128" },
    rounds: { type: "string", default: "3" },
  },
});
const seconds = Number(values.seconds);
const clients = Number(values.clients);
const idle = Number(values.idle);
const files = Number(values.files);
const rounds = Math.max(1, Number(values.rounds));

const directory = mkdtempSync(join(tmpdir(), "holdfast-load-"));
let isBad = false;
try {
  const place = prepare();
  const rows: string[][] = [
    [
      "server",
      "cold in order MiB/s",
      "cold at random",
      "cached",
      "first byte p50/p99 ms, cold at random",
      "cached",
      "alone",
      "peak MiB",
      "start ms",
    ],
  ];
  const measured = new Map<string, Measured[]>();
  await warmUp(place);
  for (let round = 1; round <= rounds; round++) {
    for (const start of rotated([serveHoldfast, serveRclone, serveNginx], round)) {
      const server = await start(place);
      if (server === undefined) {
        const name = start === serveRclone ? "rclone" : "nginx";
        if (round === 1) tell(`SKIPPED: ${name} is not there (infra-tests/gateway/install-servers.sh)`);
        continue;
      }
      try {
        measured.set(server.name, [...(measured.get(server.name) ?? []), await rangeReads(server)]);
        if (start === serveHoldfast && round === rounds) await crowd(server);
      } finally {
        await server.stop();
      }
    }
  }
  const rates = new Map<string, Rates>();
  for (const [name, each] of measured) {
    const middle = (of: (one: Measured) => number): number => median(each.map(of));
    const rate = {
      ordered: middle((one) => one.ordered),
      cold: middle((one) => one.cold),
      cached: middle((one) => one.cached),
    };
    rates.set(name, rate);
    rows.push([
      name,
      ...[rate.ordered, rate.cold, rate.cached].map((value) => value.toFixed(0)),
      ...[0, 1, 2].map((at) =>
        [0, 1].map((part) => middle(({ latencies }) => latencies[at]?.[part] ?? Number.NaN).toFixed(1)).join("/"),
      ),
      Math.max(...each.map(({ peakMib }) => peakMib)).toFixed(0),
      middle(({ startMs }) => startMs).toFixed(0),
    ]);
  }
  print(rows);
  const ours = rates.get("holdfast");
  for (const [name, other] of rates) {
    if (ours === undefined || name === "holdfast") continue;
    console.log(
      `holdfast / ${name}: cold in order ${(ours.ordered / other.ordered).toFixed(2)}, cold at random ${(ours.cold / other.cold).toFixed(2)}, cached ${(ours.cached / other.cached).toFixed(2)}`,
    );
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = isBad ? 1 : 0;

/** Mebibytes a second. */
type Rates = { readonly ordered: number; readonly cold: number; readonly cached: number };

function median(values: readonly number[]): number {
  return percentile(
    values.toSorted((left, right) => left - right),
    0.5,
  );
}

/** What one round told of a server: rates, and the median and 99th percentile of the time to the first byte of cold, cached and single requests. */
type Measured = Rates & {
  readonly latencies: readonly (readonly [number, number])[];
  readonly peakMib: number;
  readonly startMs: number;
};

/** Lets this process compile what it asks servers with, at a server that is then thrown away. */
async function warmUp(place: ServedTree): Promise<void> {
  const server = (await serveNginx(place)) ?? (await serveHoldfast(place));
  try {
    let turn = 0;
    const next = (): LoadRequest => range(turn++ % files, (turn * 4099) % (fileBytes - rangeBytes));
    await load({ url: server.url, clients, seconds: 3, next });
  } finally {
    await server.stop();
  }
}

/** Files of random bytes and many small ones, and a store that holds them. */
function prepare(): ServedTree {
  const tree = join(directory, "tree");
  mkdirSync(join(tree, "small"), { recursive: true });
  const bytes = Buffer.alloc(fileBytes);
  for (let file = 0; file < files; file++) writeFileSync(join(tree, `f${file}`), randomFillSync(bytes));
  for (let file = 0; file < 2000; file++) writeFileSync(join(tree, "small", `s${file}`), `small file ${file}\n`);
  const home = join(directory, "home");
  const environment = {
    PATH: process.env["PATH"],
    HOME: home,
    XDG_CACHE_HOME: join(home, "cache"),
    XDG_DATA_HOME: join(home, "data"),
    XDG_CONFIG_HOME: join(home, "config"),
    HOLDFAST_PASSPHRASE: "for this load only",
  };
  const store = join(directory, "store");
  const agent = fileURLToPath(import.meta.resolve("#agent/holdfast.cjs"));
  const run = (...words: string[]): void =>
    void execFileSync(process.execPath, [agent, "--quiet", "at", store, ...words], {
      env: environment,
      stdio: ["ignore", "ignore", "inherit"],
    });
  run("create", "--recovery-key-file", join(directory, "recovery-key"));
  run("backup", tree);
  return { tree, store, scratch: directory, environment };
}

function range(file: number, offset: number, lengthBytes = rangeBytes): LoadRequest {
  return {
    method: "GET",
    path: `f${file}`,
    headers: { range: `bytes=${offset}-${offset + lengthBytes - 1}` },
    status: 206,
    bytes: lengthBytes,
  };
}

/** Each range once, of half the files in order, of the others not; then few ranges for some time; then single requests, one after the other. */
async function rangeReads(server: Served): Promise<Measured> {
  const rangesPerFile = fileBytes / rangeBytes;
  const half = Math.floor(files / 2);
  const once = (firstFile: number, stride: number): Promise<LoadResult> => {
    const count = half * rangesPerFile;
    let asked = 0;
    const next = (): LoadRequest | undefined => {
      if (asked === count) return undefined;
      const at = (asked++ * stride) % count;
      return range(firstFile + Math.floor(at / rangesPerFile), (at % rangesPerFile) * rangeBytes);
    };
    return load({ url: server.url, clients, seconds: 60, next });
  };
  const ordered = await once(0, 1);
  const cold = await once(half, 7919);
  let turn = 0;
  const hot = (): LoadRequest => {
    const at = (turn++ * rangeBytes) % hotBytes;
    return range(Math.floor(at / fileBytes), at % fileBytes);
  };
  await load({ url: server.url, clients, seconds: 1, next: hot });
  const cached = await load({ url: server.url, clients, seconds, next: hot });
  const alone = await load({
    url: server.url,
    clients: 1,
    seconds: 3,
    next: () => range(turn++ % files, (turn * 4099) % (fileBytes - 4096), 4096),
  });
  for (const result of [ordered, cold, cached, alone]) tellErrors(server.name, result);
  return {
    ordered: rateOf(ordered),
    cold: rateOf(cold),
    cached: rateOf(cached),
    latencies: [cold, cached, alone].map(({ firstByteMs }) => [
      percentile(firstByteMs, 0.5),
      percentile(firstByteMs, 0.99),
    ]),
    peakMib: server.peakMib(),
    startMs: server.startMs,
  };
}

/** Requests of all kinds while thousands of connections stand idle: no error, and memory stays bounded. */
async function crowd(server: Served): Promise<void> {
  const { hostname, port } = new URL(server.url);
  const sockets: Socket[] = [];
  for (let at = 0; at < idle; at += 200) {
    sockets.push(
      ...(await Promise.all(
        Array.from({ length: Math.min(200, idle - at) }, () => openSocket(hostname, Number(port))),
      )),
    );
  }
  const withIdle = server.peakMib();
  let turn = 0;
  const kinds: readonly (() => LoadRequest)[] = [
    () => range(turn % files, (turn * 4099) % (fileBytes - rangeBytes)),
    () => ({ method: "GET", path: "small/?sort=size", headers: {}, status: 200, bytes: undefined }),
    () => ({ method: "HEAD", path: `small/s${turn % 2000}`, headers: {}, status: 200, bytes: 0 }),
    () => ({
      method: "GET",
      path: `small/s${turn % 2000}`,
      headers: {},
      status: 200,
      bytes: 12 + String(turn % 2000).length,
    }),
    () => ({ method: "GET", path: `none${turn}`, headers: {}, status: 404, bytes: undefined }),
    () => ({
      method: "GET",
      path: `f${turn % files}`,
      headers: { range: "bytes=99999999-" },
      status: 416,
      bytes: undefined,
    }),
  ];
  const mixed = await load({ url: server.url, clients, seconds, next: () => kinds[turn++ % kinds.length]!() });
  tellErrors("mixed load", mixed);
  const open = sockets.filter((socket) => !socket.destroyed).length;
  console.log(
    `mixed load with ${idle} idle connections (${open} open at its end): ${mixed.requests} requests, ${(mixed.requests / mixed.seconds).toFixed(0)}/s, ${mixed.errorCount} errors, first byte p50/p99 ${latency(mixed)} ms; peak ${withIdle.toFixed(0)} MiB before, ${server.peakMib().toFixed(0)} MiB after`,
  );
  for (const socket of sockets) socket.destroy();
  if (server.peakMib() > memoryMaxMib) {
    tell(`BAD: the mount took ${server.peakMib().toFixed(0)} MiB, more than ${memoryMaxMib}`);
    isBad = true;
  }
}

async function openSocket(host: string, port: number): Promise<Socket> {
  const socket = connect(port, host);
  socket.on("error", () => undefined);
  socket.resume();
  await Promise.race([once(socket, "connect"), once(socket, "close")]);
  return socket;
}

function tellErrors(what: string, { errors, errorCount }: LoadResult): void {
  if (errorCount === 0) return;
  isBad = true;
  tell(`BAD: ${errorCount} errors of ${what}: ${errors.slice(0, 5).join("; ")}`);
}

function rateOf({ bytes, seconds: took }: LoadResult): number {
  return bytes / mebibyte / took;
}

function latency({ firstByteMs }: LoadResult): string {
  return `${percentile(firstByteMs, 0.5).toFixed(1)}/${percentile(firstByteMs, 0.99).toFixed(1)}`;
}

function print(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  for (const row of rows) console.log(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "));
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
