import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Sandbox } from "./sandbox.ts";

// Homes that a run cannot use, in part or at all: a cache is spared, and the refusal for want of a data directory says what to set.

const sandbox = new Sandbox();
const source = sandbox.path("source");
const isRoot = process.getuid?.() === 0;
const stranger = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
/** A run whose files are where HOME says. */
const homeAt = (home: string) => ({ HOME: home, XDG_CACHE_HOME: undefined, XDG_DATA_HOME: undefined });
const warnings = (stderr: string): string[] => stderr.split("\n").filter((line) => line.startsWith("warning: "));
afterAll(() => sandbox.remove());

beforeAll(() => {
  mkdirSync(source);
  writeFileSync(join(source, "file"), "content");
});

/** A new home in the sandbox that `spoil` takes the use of its cache from. */
function spoiledHome(name: string, spoil: (cache: string) => void): string {
  const home = sandbox.path(name);
  mkdirSync(home);
  spoil(join(home, ".cache"));
  return home;
}

describe("a cache that cannot be used is a warning, once, and the backup ends well", () => {
  const spoilers: readonly (readonly [string, (cache: string) => void])[] = [
    ["a file", (cache) => writeFileSync(cache, "")],
    ["a link to nowhere", (cache) => symlinkSync("nowhere", cache)],
    ["a link to itself", (cache) => symlinkSync(".cache", cache)],
    ["a directory with a file in the place of ours", (cache) => spoilInside(cache)],
  ];
  const spoilInside = (cache: string): void => {
    mkdirSync(cache);
    writeFileSync(join(cache, "holdfast"), "");
  };
  test.each(spoilers)("%s", async (name, spoil) => {
    const home = spoiledHome(name.replaceAll(" ", "-"), spoil);
    const at = ["at", join(home, "store")];
    const env = homeAt(home);
    await sandbox.do([...at, "create", "--plaintext"], { env });
    for (const run of [1, 2]) {
      const { status, stderr } = await sandbox.run([...at, "backup", source], { env });
      expect({ run, status, warnings: warnings(stderr) }).toEqual({
        run,
        status: 0,
        warnings: [expect.stringMatching(/^warning: Nothing is cached, which costs time only: .*\.cache/)],
      });
    }
    const snapshots = await sandbox.do([...at, "ls"], { env });
    expect(snapshots.trim().split("\n")).toHaveLength(2);
    for (const args of [
      ["check", "--read"],
      ["restore", "latest", "--to", join(home, "out")],
    ])
      await sandbox.do([...at, ...args], { env });
  });

  test("--cache-dir names a file", async () => {
    const at = ["at", sandbox.path("named")];
    await sandbox.do([...at, "create", "--plaintext"]);
    const { status, stderr } = await sandbox.run(["--cache-dir", join(source, "file"), ...at, "backup", source]);
    expect({ status, warnings: warnings(stderr) }).toEqual({
      status: 0,
      warnings: [expect.stringContaining("not a directory")],
    });
  });

  test.skipIf(!isRoot)("it belongs to another user", async () => {
    const home = spoiledHome("of-another", (cache) => {
      mkdirSync(cache, { mode: 0o700 });
    });
    chmodSync(home, 0o777);
    const at = ["at", join(home, "store")];
    const options = { env: homeAt(home), by: stranger };
    await sandbox.do([...at, "create", "--plaintext"], options);
    const { status, stderr } = await sandbox.run([...at, "backup", source], options);
    expect({ status, warnings: warnings(stderr) }).toEqual({
      status: 0,
      warnings: [expect.stringContaining("permission denied")],
    });
  });
});
