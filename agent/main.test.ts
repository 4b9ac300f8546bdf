import { spawn, spawnSync } from "node:child_process";
import { createServer } from "node:http";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { once } from "node:events";
import { mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const door = fileURLToPath(new URL("./holdfast.cjs", import.meta.url));
let home: string;
beforeAll(async () => void (home = await mkdtemp(join(tmpdir(), "holdfast-main-"))));
afterAll(() => rm(home, { recursive: true }));

/** Makes Node take itself for 20.1, which is too old. */
const old = `data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.1.0"}});`;
const surroundings = () => ({ PATH: process.env["PATH"], HOME: home });

function run(args: readonly string[], options: { nodeArgs?: readonly string[]; stdout?: number } = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...(options.nodeArgs ?? []), door, ...args], {
    env: surroundings(),
    encoding: "utf8",
    stdio: ["ignore", options.stdout ?? "pipe", "pipe"],
  });
  return { status, stdout, stderr };
}

test("the door runs the program, and its end is the program's", () => {
  expect(run(["version"])).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^holdfast \d+\.\d+\.\d+ \(node 2/),
    stderr: "",
  });
  expect(run(["bakcup"])).toMatchObject({
    status: 64,
    stdout: "",
    stderr: expect.stringContaining("Did you mean `holdfast backup`?"),
  });
});

test("with --json a failure is an event on standard output, also when the options are wrong", () => {
  const { status, stdout, stderr } = run(["ls", "--json", "--bogus"]);
  expect(JSON.parse(stdout)).toMatchObject({ event: "failure", kind: "invalid", exitCode: 64 });
  expect({ status, stderr }).toEqual({ status: 64, stderr: "" });
});

test("compiled code is kept in a directory of this user only", async () => {
  run(["version"]);
  const cache = join(home, ".cache", "holdfast", "compiled");
  expect((await stat(cache)).mode & 0o777).toBe(0o700);
  expect(await readdir(cache)).not.toEqual([]);
});

test.each([
  ["by becoming it", old],
  ["as its parent", `${old}process.execve=undefined;`],
])("a Node that is too old starts the one installed with the package %s", (_, preload) => {
  expect(run(["version"], { nodeArgs: ["--import", preload] })).toMatchObject({ status: 0, stderr: "" });
  expect(run(["bakcup"], { nodeArgs: ["--import", preload] }).status).toBe(64);
});

test("an answer that cannot be written is no success", () => {
  const full = openSync("/dev/full", "w");
  const { status, stderr } = run(["version"], { stdout: full });
  expect(status).toBe(69);
  expect(stderr).toContain("Cannot write to standard output: ENOSPC");
});

test("nobody reading the answer is a quiet end, but no success", async () => {
  const child = spawn("/bin/sh", ["-c", `"$0" "$1" help backup; echo "ended $?" >&2`, process.execPath, door], {
    env: surroundings(),
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.destroy();
  const [stderr] = await Promise.all([text(child.stderr), once(child, "close")]);
  expect(stderr).toBe("ended 130\n");
});

const doors: [string, string[]][] = [
  ["directly", []],
  ["through a door of an old Node", ["--import", `${old}process.execve=undefined;`]],
];

test.each(doors)("a signal stops a run, %s", async (_, nodeArgs) => {
  const server = createServer(() => {}).listen(0, "127.0.0.1");
  await once(server, "listening");
  const asked = once(server, "request");
  const store = `s3://bucket/x?region=x&endpoint=http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const child = spawn(process.execPath, [...nodeArgs, door, "at", store, "doctor"], {
    env: { ...surroundings(), AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "x" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(child, "exit");
  const stderr = text(child.stderr);
  await asked;
  child.kill("SIGTERM");
  expect(await ended).toEqual([130, null]);
  expect(await stderr).toBe("holdfast: Stopped by SIGTERM (interrupted, exit code 130)\n");
  server.closeAllConnections();
  server.close();
});

test.each(doors)("a signal ends also a run that waits for a file that never answers, %s", async (_, nodeArgs) => {
  const store = join(home, `store-${nodeArgs.length}`);
  mkdirSync(store);
  const fifo = join(store, "config");
  spawnSync("mkfifo", [fifo]);
  const child = spawn(process.execPath, [...nodeArgs, door, "at", store, "ls"], {
    env: surroundings(),
    stdio: "ignore",
  });
  const ended = once(child, "exit");
  while (!waitsForWriter(child.pid)) await new Promise((resolve) => setTimeout(resolve, 20));
  for (const signal of ["SIGUSR1", "SIGHUP"] as const) {
    child.kill(signal); // none of its business, for it has no terminal
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(child.exitCode).toBeNull();
  }
  child.kill("SIGINT");
  expect(await ended).toEqual([130, null]);
});

test.each([
  ["", ""],
  [" where the C library cannot be reached", "fallback"],
])("the program ends when the door that an old Node opened is killed%s", async (_, how) => {
  const store = join(home, `killed store ${how}`);
  mkdirSync(store);
  spawnSync("mkfifo", [join(store, "config")]);
  const noKoffi = `require("module").Module._load=((load)=>function(name,...rest){if(name==="koffi")throw Error("none");return load.call(this,name,...rest)})(require("module").Module._load)`;
  const env = {
    ...surroundings(),
    ...(how === "" ? {} : { NODE_OPTIONS: `--require ${written("no-koffi.cjs", noKoffi)}` }),
  };
  const args = ["--import", `${old}process.execve=undefined;`, door, "at", store, "ls"];
  const child = spawn(process.execPath, args, { env, stdio: "ignore" });
  while (!waitsForWriter(child.pid)) await new Promise((resolve) => setTimeout(resolve, 20));
  const [program] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").split(" ").map(Number);
  child.kill("SIGKILL");
  while (isRunning(program)) await new Promise((resolve) => setTimeout(resolve, 20));
});

function written(name: string, content: string): string {
  writeFileSync(join(home, name), content);
  return join(home, name);
}

/** Whether a process is there, and not only waits for its parent to ask how it ended. */
function isRunning(pid: number | undefined): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Whether a thread of a process, or of a child of it, waits in opening a FIFO. */
function waitsForWriter(pid: number | undefined): boolean {
  const tasks = `/proc/${pid}/task`;
  const read = (path: string): string => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return ""; // a thread that has ended
    }
  };
  const children = read(`${tasks}/${pid}/children`).split(" ").filter(Boolean);
  const places = readdirSync(tasks).map((task) => read(`${tasks}/${task}/wchan`));
  return places.some((place) => place.includes("wait_for_partner")) || children.some((each) => waitsForWriter(+each));
}

async function text(stream: NodeJS.ReadableStream): Promise<string> {
  let read = "";
  for await (const chunk of stream) read += String(chunk);
  return read;
}
