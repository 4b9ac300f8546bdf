import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
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
    const snapshots = await sandbox.do(["--quiet", ...at, "ls"], { env });
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

describe("without a data directory", () => {
  const at = ["at", sandbox.path("shared-store")];
  const writing: readonly (readonly string[])[] = [
    ["backup", source],
    ["rm", "--apply", "latest"],
    ["maintenance"],
    ["repair", "--apply"],
  ];
  const reading: readonly (readonly string[])[] = [["ls"], ["check"], ["maintenance", "--dry-run"], ["repair"]];
  const told = (stderr: string): string[] => stderr.split("\n").filter((line) => /XDG|identity|Cannot/.test(line));

  beforeAll(async () => {
    await sandbox.do([...at, "create", "--plaintext"]);
    await sandbox.do([...at, "backup", source]);
  });

  test.each(writing)("%s is refused, once, with the variable to set", async (...args) => {
    const { status, stderr } = await sandbox.run([...at, ...args], { env: homeAt("/dev/null") });
    expect({ status, told: told(stderr) }).toEqual({
      status: 69,
      told: [
        "holdfast: Cannot keep the agent's identity: Cannot make the directory /dev/null/.local: not a directory (unavailable, exit code 69)",
        expect.stringMatching(/^ {2}hint: Set XDG_DATA_HOME to a directory/),
      ],
    });
  });

  test("a backup is made once the variable is set", async () => {
    const env = { ...homeAt("/dev/null"), XDG_DATA_HOME: sandbox.path("data-of-its-own") };
    await sandbox.do([...at, "backup", source], { env });
  });

  test("the overview says what the variables are for", async () => {
    const overview = await sandbox.do(["help"]);
    for (const name of ["XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"]) expect(overview).toContain(`  ${name} `);
  });

  test.each(reading)("%s goes on", async (...args) => {
    await sandbox.do([...at, ...args], { env: homeAt("/dev/null") });
  });

  test.skipIf(!isRoot)("a user of no name and no home backs up once the variable is set", async () => {
    const place = sandbox.path("of-nobody");
    mkdirSync(place);
    chmodSync(place, 0o777);
    const store = ["at", join(place, "store")];
    const by = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"];
    const env = { HOME: undefined, XDG_CACHE_HOME: undefined, XDG_DATA_HOME: undefined };
    await sandbox.do([...store, "create", "--plaintext"], { by, env });
    const { status, stderr } = await sandbox.run([...store, "backup", source], { by, env });
    expect({ status, stderr }).toEqual({ status: 77, stderr: expect.stringContaining("hint: Set XDG_DATA_HOME") });
    await sandbox.do([...store, "backup", source], { by, env: { ...env, XDG_DATA_HOME: join(place, "data") } });
  });
});

test.skipIf(!isRoot)(
  "a umask that leaves the owner no rights keeps nobody from using a store, a cache and an identity",
  async () => {
    const place = sandbox.path("masked");
    mkdirSync(place);
    chmodSync(place, 0o777);
    const home = join(place, "home");
    const options = { by: [...stranger, "/bin/sh", "-c", 'umask 0777; exec "$0" "$@"'], env: homeAt(home) };
    const at = ["at", join(place, "store")];
    await sandbox.do([...at, "create", "--plaintext"], options);
    for (let run = 1; run <= 2; run++) {
      const { status, stderr } = await sandbox.run([...at, "backup", source], options);
      expect({ status, warnings: warnings(stderr) }).toEqual({ status: 0, warnings: [] });
    }
    const modes = readdirSync(place, { recursive: true, withFileTypes: true }).map((entry) => {
      const mode = statSync(join(entry.parentPath, entry.name)).mode & 0o777;
      return `${entry.isDirectory() ? "directory" : "file"} ${mode.toString(8)}`;
    });
    expect([...new Set(modes)].toSorted()).toEqual(["directory 700", "file 600"]);
  },
);

test("a working directory that was removed is needed for relative paths only", async () => {
  const at = ["at", sandbox.path("from-nowhere")];
  const by = ["/bin/sh", "-c", 'mkdir gone && cd gone && rmdir ../gone && exec "$0" "$@"'];
  for (const args of [["create"], ["backup", source], ["check", "--read"]]) await sandbox.do([...at, ...args], { by });
  await sandbox.do([...at, "restore", `latest:${source}`, "--to", sandbox.path("from-nowhere-out")], { by });
  expect(readdirSync(sandbox.path("from-nowhere-out"))).toEqual(["file"]);
  const { status, stderr } = await sandbox.run([...at, "backup", "source"], { by });
  expect({ status, stderr }).toEqual({
    status: 66,
    stderr: expect.stringContaining("the working directory is no longer there"),
  });
});

describe("with a clock before 1970", () => {
  const at = ["at", sandbox.path("of-another-time")];
  const env = { NODE_OPTIONS: "--import=data:text/javascript,Date.now=()=>-5e10" };
  beforeAll(async () => {
    await sandbox.do([...at, "create", "--plaintext"]);
    await sandbox.do([...at, "backup", source]);
  });

  const writing: readonly (readonly string[])[] = [
    ["create"],
    ["backup", source],
    ["rm", "--apply", "latest"],
    ["maintenance"],
    ["repair", "--apply"],
    ["key", "passwd"],
  ];
  test.each(writing)("%s is refused, and the clock named", async (...args) => {
    expect(await sandbox.run([...at, ...args], { env })).toMatchObject({
      status: 69,
      stderr:
        "holdfast: Cannot write to a store: this machine's clock says 1968-06-01T07:06:40.000Z, before 1970 (unavailable, exit code 69)\n  hint: Set this machine's clock.\n",
    });
  });

  const reading: readonly (readonly string[])[] = [
    ["ls"],
    ["check", "--read"],
    ["cat", `latest:${join(source, "file")}`],
  ];
  test.each(reading)("%s goes on", async (...args) => {
    await sandbox.do([...at, ...args], { env });
  });
});
