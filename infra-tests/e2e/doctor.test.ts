import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { Sandbox } from "./sandbox.ts";

// What `doctor` leaves behind, and what it says of a place that it could not try.

const sandbox = new Sandbox();
afterAll(() => sandbox.remove());

test("doctor leaves nothing behind: no object, and no directory that was not there", async () => {
  const at = ["at", sandbox.path("new", "place")];
  await sandbox.do([...at, "doctor"]);
  expect(existsSync(sandbox.path("new"))).toBe(false);
  mkdirSync(sandbox.path("empty"));
  await sandbox.do(["at", sandbox.path("empty"), "doctor"]);
  expect(readdirSync(sandbox.path("empty"))).toEqual([]);
  await sandbox.do([...at, "create", "--plaintext"]);
  const before = readdirSync(sandbox.path("new", "place"));
  await sandbox.do([...at, "doctor"]);
  expect(readdirSync(sandbox.path("new", "place"))).toEqual(before);
});

test("doctor cleans up when nobody reads its answer to the end, and when a signal stops it", async () => {
  const place = sandbox.path("unread");
  mkdirSync(place);
  const unread = await sandbox.run(["at", place, "doctor"], { by: ["/bin/sh", "-c", '"$0" "$@" | head -n 1'] });
  expect(unread.stdout).toBe("ok    write and read: what is written comes back\n");
  expect(readdirSync(place)).toEqual([]);
  const { child, ended } = sandbox.start(["at", place, "doctor"]);
  await new Promise((resolve) => child.stdout?.once("data", resolve));
  child.kill("SIGTERM");
  expect(await ended).toMatchObject({ status: 130 });
  expect(readdirSync(place)).toEqual([]);
});

test("doctor does not call a place unfit for a limit of its own process", async () => {
  const place = sandbox.path("limited");
  const limited = { by: ["/bin/sh", "-c", 'ulimit -n 48; exec "$0" "$@"'] };
  const { status, stdout } = await sandbox.run(["at", place, "doctor"], limited);
  expect({ status, stdout }).toEqual({ status: 69, stdout: expect.stringContaining("too many files are open") });
  expect(stdout).toMatch(/^Not known: .* could not be tried\. Raise the limit of open files \(ulimit -n\)\.$/m);
  expect(stdout).not.toContain("FAIL");
  expect(existsSync(place)).toBe(false);
});

const small = sandbox.path("small");
mkdirSync(small);
const { status: mounted } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m,mode=755", "holdfast-e2e", small]);
describe.skipIf(mounted !== 0)("a disk of 1 MiB", () => {
  test("is not known to be fit or unfit", async () => {
    const { status, stdout } = await sandbox.run(["at", small, "doctor"]);
    expect({ status, stdout }).toEqual({ status: 69, stdout: expect.stringContaining("the disk is full") });
    expect(stdout).toMatch(/^Not known: large objects.* could not be tried\. Free some space/m);
    expect(stdout).not.toContain("FAIL");
    expect(readdirSync(small)).toEqual([]);
  });
});
