import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemRandom } from "#shared/random.ts";
import { Sandbox } from "./sandbox.ts";
import { storedObjects } from "./stored-objects.ts";

const sandbox = new Sandbox();
const store = sandbox.path("store");
const source = sandbox.path("source");
const at = ["at", store];
/** Behind the magic and the kind of a frame: FORMAT.md, Frames. */
const frameVersionOffset = 12;
afterAll(() => sandbox.remove());

beforeAll(async () => {
  mkdirSync(source);
  for (let n = 0; n < 20; n++) writeFileSync(join(source, `file-${n}`), systemRandom(150_000));
  await sandbox.do([...at, "create"]);
  await sandbox.do([...at, "backup", source]);
});

/** A copy of the store, to be damaged. */
function copied(name: string): string {
  const copy = sandbox.path(name);
  cpSync(store, copy, { recursive: true });
  return copy;
}

/** Flips a bit in the middle of an object. */
function damage(copy: string, key: string): void {
  const bytes = readFileSync(join(copy, key));
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(join(copy, key), bytes);
}

test("usage: what is wrong with the command line is said, with what to do", async () => {
  for (const [args, words] of [
    [["bakcup"], "Did you mean `holdfast backup`?"],
    [[...at, "backup"], "at least one PATH"],
    [[...at, "ls", "--latest", "many"], "--latest"],
    [[...at, "restore", "latest", "--to", "x", "--overwrite", "sometimes"], "always"],
    [["at", "gopher://x", "ls"], "gopher"],
    [["at", "s3://user:secret@bucket/x", "ls"], "contains credentials"],
  ] as const) {
    const { status, stdout, stderr } = await sandbox.run(args);
    expect({ args, status, stdout }).toEqual({ args, status: 64, stdout: "" });
    expect(stderr).toContain(words);
    expect(stderr).toContain("(usage, exit code 64)");
    expect(stderr).not.toContain("secret");
  }
});

test("absent: no store, no snapshot, no path to back up", async () => {
  mkdirSync(sandbox.path("empty"));
  for (const args of [
    ["at", sandbox.path("none"), "ls"],
    ["at", sandbox.path("empty"), "backup", source],
    [...at, "restore", "00000000", "--to", "x"],
    [...at, "restore", "latest:/no/such/path", "--to", "x"],
    [...at, "backup", sandbox.path("nothing")],
    [...at, "key", "remove", "00000000"],
  ]) {
    const { status, stderr } = await sandbox.run(args);
    expect({ args, status, stderr }).toEqual({
      args,
      status: 66,
      stderr: expect.stringContaining("(absent, exit code 66)"),
    });
  }
  expect(readdirSync(sandbox.path("empty"))).toEqual([]);
});

test("denied: a wrong passphrase, whatever is asked", async () => {
  for (const args of [["ls"], ["backup", source], ["restore", "latest", "--to", "x"], ["check"], ["info"]]) {
    const { status, stdout, stderr } = await sandbox.run([...at, ...args], { env: { HOLDFAST_PASSPHRASE: "wrong" } });
    expect({ args, status, stdout }).toEqual({ args, status: 77, stdout: "" });
    expect(stderr).toContain("(denied, exit code 77)");
  }
});

test("incompatible: a store of a newer version is refused before anything is asked", async () => {
  const copy = copied("newer");
  const config = readFileSync(join(copy, "config"));
  config.writeUInt16LE(config.readUInt16LE(frameVersionOffset) + 1, frameVersionOffset);
  writeFileSync(join(copy, "config"), config);
  for (const args of [["ls"], ["backup", source], ["info"]]) {
    const { status, stderr } = await sandbox.run(["at", copy, ...args]);
    expect({ args, status, stderr }).toEqual({
      args,
      status: 78,
      stderr: expect.stringContaining("its format version 2 is newer than 1"),
    });
  }
});

describe("integrity", () => {
  const find = (copy: string, prefix: string) => [...storedObjects(copy, prefix)].sort(([, a], [, b]) => b - a)[0]![0];

  test("a damaged pack is named by check, with the files that need it, and no damaged file is restored", async () => {
    const copy = copied("damaged-pack");
    const pack = find(copy, "packs/");
    damage(copy, pack);
    const id = pack.split("/").at(-1)!;
    const structure = await sandbox.run(["at", copy, "check"]);
    const read = await sandbox.events(["at", copy, "check", "--read"]);
    expect(read.status).toBe(65);
    expect(JSON.stringify(read.events)).toContain(id);
    expect(read.events.at(-1)).toMatchObject({ event: "report", outcome: "corrupt" });
    const named = read.events.filter(({ event, path }) => event === "entryError" && String(path).includes("file-"));
    expect(named.length).toBeGreaterThan(0);
    expect(structure.status).toBe(0);

    const restored = await sandbox.run(["at", copy, "restore", "latest", "--to", sandbox.path("from-damaged")]);
    expect(restored.status).toBe(65);
    const there = readdirSync(join(sandbox.path("from-damaged"), source));
    for (const name of there) {
      expect(readFileSync(join(sandbox.path("from-damaged"), source, name))).toEqual(readFileSync(join(source, name)));
    }
    // Some segments of the pack are whole, and what is in them comes back.
    expect(there.length).toBeGreaterThan(0);
    expect(there.length).toBeLessThan(20);
    expect(restored.stderr).toMatch(/^error: .*file-\d+: .* \(corrupt\)$/m);
    const lost = readdirSync(source).find((name) => !there.includes(name))!;
    expect((await sandbox.run(["at", copy, "cat", `latest:${source}/${lost}`])).status).toBe(65);
  });

  test.each(["packs/", "states/", "log/"])(
    "an object below %s that is gone or cut short is found by check",
    async (prefix) => {
      const gone = copied(`gone-${prefix.slice(0, -1)}`);
      const key = find(gone, prefix);
      rmSync(join(gone, key));
      const name = key.split("/").at(-1)!;
      // With the last log entry gone the store looks older than what was seen of it.
      const first = await sandbox.run(["at", gone, "check"]);
      expect({ status: first.status, stderr: first.stderr }).toEqual({
        status: 65,
        stderr: expect.stringContaining(prefix === "log/" ? "log" : name),
      });

      const short = copied(`short-${prefix.slice(0, -1)}`);
      truncateSync(join(short, key), statSync(join(short, key)).size - 1);
      const second = await sandbox.run(["at", short, "check"]);
      expect({ status: second.status, stderr: second.stderr }).toEqual({
        status: 65,
        stderr: expect.stringContaining(prefix === "log/" ? "log" : name),
      });
    },
  );

  test("a damaged config and a damaged key are no wrong passphrase", async () => {
    const config = copied("damaged-config");
    damage(config, "config");
    expect((await sandbox.run(["at", config, "ls"])).status).toBe(65);
    const key = copied("damaged-key");
    for (const each of storedObjects(key, "keys/").keys()) damage(key, each);
    expect((await sandbox.run(["at", key, "ls"])).status).toBe(65);
  });
});

test("interrupted: SIGINT during a backup leaves no snapshot, and the next run takes up what was stored", async () => {
  const large = sandbox.path("large");
  mkdirSync(large);
  for (let n = 0; n < 12; n++) writeFileSync(join(large, `${n}`), systemRandom(8 << 20));
  const before = (await sandbox.events([...at, "ls"])).events.length;
  const run = sandbox.start(["--json", ...at, "backup", large]);
  // Some packs are there by then.
  while (storedObjects(store, "packs/").size < 4) await sleep(5);
  run.child.kill("SIGINT");
  const ended = await run.ended;
  expect({ status: ended.status, stderr: ended.stderr }).toEqual({ status: 130, stderr: "" });
  expect(ended.stdout).toContain('"event":"failure","kind":"interrupted"');
  expect((await sandbox.events([...at, "ls"])).events).toHaveLength(before);
  const next = await sandbox.events([...at, "backup", large]);
  expect(next.status).toBe(0);
  expect(next.events.at(-1)!["adoptedPacks"]).toBeGreaterThanOrEqual(1);
  expect((await sandbox.events([...at, "ls"])).events).toHaveLength(before + 1);
  expect((await sandbox.run([...at, "check", "--read"])).status).toBe(0);
});

const isRoot = process.getuid?.() === 0;
/** A user who is not root, whoever runs the test. */
const unprivileged = isRoot ? { by: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] } : {};

test("partial: what cannot be read is named, recorded and counted, and the rest is there", async () => {
  const box = new Sandbox();
  try {
    const tree = box.path("tree");
    mkdirSync(join(tree, "closed"), { recursive: true });
    writeFileSync(join(tree, "open"), "readable");
    writeFileSync(join(tree, "secret"), "not for others", { mode: 0o000 });
    writeFileSync(join(tree, "closed", "inside"), "not seen");
    chmodSync(join(tree, "closed"), 0o000);
    const store = ["at", box.path("home", "store")];
    await box.do([...store, "create"], unprivileged);
    const backup = await box.run([...store, "backup", tree], unprivileged);
    expect(backup.status).toBe(3);
    expect(backup.stdout).toBe("");
    expect(backup.stderr).toContain(`error: ${tree}/closed: `);
    expect(backup.stderr).toContain(`error: ${tree}/secret: `);
    expect(backup.stderr).toMatch(/^backup: done in part: something is missing, see above$/m);
    expect(backup.stderr).toMatch(/^ {2}errors +2$/m);

    const info = await box.events([...store, "info", "--errors", "latest"], unprivileged);
    expect(info.events).toMatchObject([
      { event: "snapshot", errors: 2 },
      { event: "recordedError", kind: "EACCES", path: `${tree}/closed` },
      { event: "recordedError", kind: "EACCES", path: `${tree}/secret` },
    ]);
    const restored = await box.run([...store, "restore", "latest", "--to", box.path("home", "out")], unprivileged);
    expect(restored.status).toBe(3);
    expect(restored.stderr).toContain(`secret: It was not read when the snapshot was made`);
    const out = join(box.path("home", "out"), tree);
    expect(readFileSync(join(out, "open"), "utf8")).toBe("readable");
    expect(readdirSync(out).sort()).toEqual(["closed", "open"]);
    expect((await box.run([...store, "check", "--read"], unprivileged)).status).toBe(0);

    // The next run, of someone who may read it, reads what was missing.
    if (isRoot) {
      const env = { XDG_CACHE_HOME: box.path("root", "cache"), XDG_DATA_HOME: box.path("root", "data") };
      expect(await box.do([...store, "backup", tree], { env })).toBe("");
      expect(await box.do([...store, "cat", `latest:${tree}/secret`], { env })).toBe("not for others");
    }
  } finally {
    chmodSync(join(box.path("tree"), "closed"), 0o700);
    box.remove();
  }
});
