import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { HoldfastError } from "#shared/errors.ts";
import { readBoundedFile } from "./read-bounded-file.ts";

const directory = mkdtempSync(join(tmpdir(), "holdfast-bounded-"));
afterAll(() => rmSync(directory, { recursive: true }));

const limitBytes = 128 * 1024;
const never = new AbortController().signal;

function read(path: string, signal: AbortSignal = never): Promise<Buffer> {
  return readBoundedFile({ path, what: "key file", limitBytes, signal });
}

function pipe(name: string): string {
  const path = join(directory, name);
  execFileSync("mkfifo", [path]);
  return path;
}

test.each([0, 1, limitBytes - 1, limitBytes])("a file of %d bytes is read whole", async (sizeBytes) => {
  const path = join(directory, "file");
  const content = Buffer.alloc(sizeBytes, "content");
  writeFileSync(path, content);
  expect((await read(path)).equals(content)).toBe(true);
});

test.each([1, 1_000_000])("%d bytes beyond the limit are refused, with the file and the limit", async (moreBytes) => {
  const path = join(directory, "large");
  writeFileSync(path, Buffer.alloc(limitBytes + moreBytes));
  await expect(read(path)).rejects.toMatchObject({
    kind: "invalid",
    message: `Cannot use the key file ${path}: it has more than 128 KiB`,
    detail: { limitBytes },
  });
});

test("what has no end is read up to the limit", async () => {
  await expect(read("/dev/zero")).rejects.toMatchObject({ kind: "invalid" });
  const path = pipe("endless");
  const writer = spawn("sh", ["-c", `exec yes >'${path}'`], { stdio: "ignore" });
  await expect(read(path)).rejects.toMatchObject({ kind: "invalid" });
  await once(writer, "exit");
});

test("files of the system that say they are empty are read", async () => {
  expect((await read("/proc/self/status")).toString()).toContain("VmRSS");
});

test.each([
  ["a line", "printf 'from a pipe'", "from a pipe"],
  ["more than a pipe holds", `head -c ${limitBytes} /dev/zero`, "\0".repeat(limitBytes)],
  ["what comes late", "printf a; sleep 0.1; printf b", "ab"],
  ["nothing", ":", ""],
])("a named pipe is read to its end: %s", async (what, command, content) => {
  const path = pipe(`pipe of ${what}`);
  const reading = read(path);
  spawn("sh", ["-c", `{ ${command}; } >'${path}'`], { stdio: "ignore" });
  expect((await reading).toString()).toBe(content);
});

test("what a shell puts in place of a command is read", async () => {
  const program = `import { readBoundedFile } from "${new URL("read-bounded-file.ts", import.meta.url).href}";
    const { signal } = new AbortController();
    for (const path of process.argv.slice(1))
      process.stdout.write("[" + await readBoundedFile({ path, what: "key file", limitBytes: 64, signal }) + "]");`;
  const line = `printf input | "$0" --input-type=module -e "$1" <(printf content) <(:) <(sleep 0.1; printf late) /dev/stdin`;
  const shown = execFileSync("bash", ["-c", line, process.execPath, program], { encoding: "utf8" });
  expect(shown).toBe("[content][][late][input]");
});

test.each([
  ["nobody writes", ":"],
  ["somebody holds open", "exec sleep 1000"],
])("the signal ends the waiting for a pipe that %s", async (what, command) => {
  const path = pipe(`pipe that ${what}`);
  const stop = new AbortController();
  const reading = read(path, stop.signal);
  const writer = command === ":" ? undefined : spawn("sh", ["-c", `printf some >'${path}'; ${command} 3>'${path}'`]);
  if (writer !== undefined) await once(writer, "spawn");
  setTimeout(() => stop.abort(new HoldfastError("interrupted", "stopped")), 50);
  await expect(reading).rejects.toMatchObject({ kind: "interrupted", message: "stopped" });
  writer?.kill();
});

test("a run that was stopped reads nothing", async () => {
  const stopped = AbortSignal.abort(new HoldfastError("interrupted", "stopped"));
  await expect(read("/dev/zero", stopped)).rejects.toMatchObject({ kind: "interrupted" });
});

test("what cannot be read says why", async () => {
  const path = join(directory, "none");
  await expect(read(path)).rejects.toMatchObject({
    kind: "absent",
    message: expect.stringContaining(`key file ${path}`),
  });
  await expect(read(join("/dev/null", "below"))).rejects.toMatchObject({ kind: "absent" });
  await expect(read(directory)).rejects.toMatchObject({ kind: "invalid" });
});

test("the mode is looked at first", async () => {
  const path = join(directory, "open to all");
  writeFileSync(path, "x");
  chmodSync(path, 0o644);
  const allow = (mode: number): void => {
    throw new HoldfastError("denied", `mode ${(mode & 0o777).toString(8)}`);
  };
  const refused = readBoundedFile({ path, what: "key file", limitBytes, signal: never, allow });
  await expect(refused).rejects.toMatchObject({ kind: "denied", message: "mode 644" });
});
