import { spawn } from "node:child_process";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { HoldfastError } from "#shared/errors.ts";
import { knownFailure } from "./known-failure.ts";

const coded = (code: string, message: string) => Object.assign(new Error(message), { code });

test.each([
  [coded("ERR_WORKER_INIT_FAILED", "Worker initialization failure: EMFILE"), "too many files are open", "`ulimit -n`"],
  [new Error("Cannot read package config /a/package.json: too many open files."), "too many files", "`ulimit -n`"],
  [coded("EMFILE", "EMFILE: too many open files, uv_resident_set_memory"), "too many files are open", "`ulimit -n`"],
  [coded("ENFILE", "ENFILE: file table overflow, open '/a'"), "on this machine", "fs.file-max"],
  [coded("EAGAIN", "EAGAIN"), "no more threads or processes", "`ulimit -u`"],
  [coded("ERR_WORKER_INIT_FAILED", "Worker initialization failure: EAGAIN"), "no more threads", "`ulimit -u`"],
  [coded("EAGAIN", "spawn /bin/sh EAGAIN"), "no more threads or processes", "`ulimit -u`"],
  [coded("ERR_WORKER_OUT_OF_MEMORY", "Worker terminated due to reaching memory limit"), "memory", "`ulimit -v`"],
  [coded("ENOMEM", "ENOMEM: not enough memory, read"), "not enough memory", "`ulimit -v`"],
  [new RangeError("Array buffer allocation failed"), "not enough memory", "`ulimit -v`"],
  [
    coded("ERR_WORKER_INIT_FAILED", "Worker initialization failure: EPERM"),
    "a thread cannot be started",
    "`ulimit -u`",
  ],
])("%s is something that the system has no more of, and the hint names the limit", (error, what, limit) => {
  const known = knownFailure(error);
  expect(known).toMatchObject({ kind: "unavailable", cause: error });
  expect(known.message).toContain(what);
  expect(known.message).toContain(error.message);
  expect(known.hint).toContain(limit);
});

test("a shortage is found behind an error that tells of a thread's end", () => {
  const cause = coded("ERR_WORKER_INIT_FAILED", "Worker initialization failure: EMFILE");
  const ended = new HoldfastError("internal", "Cannot open a segment: the thread that opens it ended", { cause });
  expect(knownFailure(ended)).toMatchObject({ kind: "unavailable", message: expect.stringContaining(ended.message) });
});

test("an error with a kind stays as it is, whatever caused it", () => {
  for (const kind of ["denied", "unavailable", "interrupted"] as const) {
    const error = new HoldfastError(kind, "Cannot", { cause: coded("EMFILE", "EMFILE") });
    expect(knownFailure(error)).toBe(error);
  }
  const fault = new HoldfastError("internal", "Cannot find segment 7");
  expect(knownFailure(fault)).toBe(fault);
});

test.each([
  [new TypeError("x is not a function"), "Holdfast itself failed: x is not a function"],
  [coded("EAGAIN", "EAGAIN: resource temporarily unavailable, read"), "Holdfast itself failed: EAGAIN: resource"],
  ["text", "Holdfast itself failed: text"],
  [undefined, "Holdfast itself failed: undefined"],
])("%s is a fault of Holdfast", (error, message) => {
  expect(knownFailure(error)).toMatchObject({
    kind: "internal",
    message: expect.stringContaining(message),
    hint: expect.stringContaining("HOLDFAST_DEBUG=1"),
  });
});

test("an error that is its own cause is told of once", () => {
  const error: Error = new Error("round");
  error.cause = error;
  expect(knownFailure(error).kind).toBe("internal");
});

test("a thread that has no memory left is a shortage", async () => {
  const resourceLimits = { maxOldGenerationSizeMb: 4, maxYoungGenerationSizeMb: 1 };
  const worker = new Worker("const all = []; for (;;) all.push(new Array(1e4).fill({}));", {
    eval: true,
    resourceLimits,
  });
  const [error] = (await once(worker, "error")) as [Error];
  expect(knownFailure(error)).toMatchObject({ kind: "unavailable" });
});

test("threads that may open no files are a shortage of files", async () => {
  const program = `
    import { Worker } from "node:worker_threads";
    import { knownFailure } from ${JSON.stringify(new URL("known-failure.ts", import.meta.url).href)};
    import { openSync } from "node:fs";
    try { for (;;) openSync("/dev/null"); } catch (error) { console.log(knownFailure(error).message); }
    new Worker("", { eval: true }).on("error", (error) => console.log(knownFailure(error).message));`;
  const line = 'ulimit -n 64; exec "$0" --input-type=module -e "$1"';
  const child = spawn("bash", ["-c", line, process.execPath, program], { cwd: import.meta.dirname });
  let shown = "";
  child.stdout.on("data", (text: Buffer) => (shown += text.toString()));
  await once(child, "close");
  expect(shown.match(/^Cannot go on: too many files are open \(/gm)).toHaveLength(2);
});
