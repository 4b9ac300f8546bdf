import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdirSync, openSync } from "node:fs";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Sandbox } from "./sandbox.ts";

// Files that a person names may be pipes to which nobody writes, or have no end.

const sandbox = new Sandbox();
const at = ["at", sandbox.path("store")];
afterAll(() => sandbox.remove());
beforeAll(async () => {
  mkdirSync(sandbox.path("source"));
  await sandbox.do([...at, "create", "--plaintext"]);
});

test.each([
  ["key file", (path: string) => ["--keyfile", path, ...at, "ls"]],
  ["exclude file", (path: string) => [...at, "backup", "--exclude-file", path, sandbox.path("source")]],
  ["certificate", (path: string) => [...at, "mount", "--http", "127.0.0.1:0", "--cert", path, "--key", path]],
])("a run that waits for one ends at the first signal: %s", async (what, args) => {
  const path = sandbox.path(what);
  execFileSync("mkfifo", [path]);
  const { child, ended } = sandbox.start(args(path));
  // A pipe can be opened for writing so once somebody reads it.
  const writer = await vi.waitUntil(() => opened(path), 20_000);
  child.kill("SIGTERM");
  expect(await ended).toMatchObject({
    status: 130,
    stderr: "holdfast: Stopped by SIGTERM (interrupted, exit code 130)\n",
  });
  closeSync(writer);
});

function opened(path: string): number | undefined {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}

test.each([
  ["key file", ["--keyfile", "/dev/zero", ...at, "ls"], "64 KiB"],
  ["exclude file", [...at, "backup", "--exclude-file", "/dev/zero", sandbox.path("source")], "16 MiB"],
])("a %s without an end is refused", async (what, args, limit) => {
  expect(await sandbox.run(args)).toMatchObject({
    status: 64,
    stderr: `holdfast: Cannot use the ${what} /dev/zero: it has more than ${limit} (usage, exit code 64)\n`,
  });
});
