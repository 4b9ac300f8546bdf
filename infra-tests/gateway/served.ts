import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findProgram, pathDirectories } from "#infra-tests/bench/find-program.ts";

const agent = fileURLToPath(import.meta.resolve("#agent/holdfast.cjs"));

/** A server that runs, and where it serves the tree: a URL with a closing slash. */
export type Served = {
  readonly name: string;
  readonly url: string;
  /** Milliseconds from the start of the process to its first answer. */
  readonly startMs: number;
  /** Peak of resident memory of its processes so far, mebibytes. */
  peakMib(): number;
  stop(): Promise<void>;
};

/** What servers are started with. */
export type ServedTree = {
  /** The tree as files. */
  readonly tree: string;
  /** A store of a plaintext repository that holds the tree. */
  readonly store: string;
  /** A directory for the servers' own files. */
  readonly scratch: string;
  readonly environment: NodeJS.ProcessEnv;
};

/** `holdfast mount latest:TREE`. */
export async function serveHoldfast({ tree, store, environment }: ServedTree): Promise<Served> {
  const port = await freePort();
  const place = `127.0.0.1:${port}`;
  const words = [agent, "at", store, "mount", `latest:${tree}`, "--http", place, "--connections", "12000"];
  return served("holdfast", [process.execPath, ...words], `http://${place}/`, environment);
}

/** `rclone serve http TREE`; undefined: there is no rclone. */
export async function serveRclone({ tree, environment }: ServedTree): Promise<Served | undefined> {
  const program = findProgram(["rclone"], pathDirectories(environment["PATH"] ?? ""));
  if (program === undefined) return undefined;
  const place = `127.0.0.1:${await freePort()}`;
  const words = ["serve", "http", tree, "--addr", place, "--read-only", "--config", "/dev/null"];
  return served("rclone", [program, ...words], `http://${place}/`, environment);
}

/** nginx over the tree; undefined: there is no nginx. */
export async function serveNginx({ tree, scratch, environment }: ServedTree): Promise<Served | undefined> {
  const directories = [...pathDirectories(environment["PATH"] ?? ""), "/usr/sbin"];
  const program = findProgram(["nginx"], directories);
  if (program === undefined) return undefined;
  const place = `127.0.0.1:${await freePort()}`;
  const home = join(scratch, "nginx");
  mkdirSync(home, { recursive: true });
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${home}/${name};`)
    .join(" ");
  writeFileSync(
    join(home, "nginx.conf"),
    `daemon off; worker_processes auto; pid ${home}/pid; error_log ${home}/error.log;
${process.getuid?.() === 0 ? "user root;" : ""}
events { worker_connections 12000; }
http { access_log off; sendfile on; ${temporary}
  server { listen ${place}; root ${tree}; autoindex on; keepalive_requests 1000000; } }
`,
  );
  return served("nginx", [program, "-p", home, "-c", join(home, "nginx.conf")], `http://${place}/`, environment);
}

async function served(name: string, words: readonly string[], url: string, env: NodeJS.ProcessEnv): Promise<Served> {
  const [program = "", ...rest] = words;
  const began = performance.now();
  const child = spawn(program, rest, { env, stdio: ["ignore", "ignore", "pipe"] });
  let told = "";
  child.stderr.on("data", (part: Buffer) => (told = (told + part.toString()).slice(-2000)));
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${name} ended at once: ${told}`);
    try {
      await (await fetch(url)).arrayBuffer();
      break;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20)); // it does not listen yet
    }
  }
  return {
    name,
    url,
    startMs: performance.now() - began,
    peakMib: () => peakMib(child),
    async stop() {
      if (child.exitCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** Of a process and its children, the peaks added up. */
function peakMib(child: ChildProcess): number {
  const pids = [child.pid, ...childrenOf(child.pid)];
  return pids.reduce<number>((sum, pid) => sum + ofProcess(pid), 0);
}

function childrenOf(pid: number | undefined): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").map(Number).filter(Boolean);
  } catch {
    return []; // it ended
  }
}

function ofProcess(pid: number | undefined): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) / 1024;
  } catch {
    return 0; // it ended
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
