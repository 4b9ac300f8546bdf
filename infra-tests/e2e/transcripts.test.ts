import {
  existsSync,
  chmodSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compareTrees, describeDifferences } from "#infra-tests/fidelity/compare-trees.ts";
import { masked } from "./masked.ts";
import { passphrase, Sandbox } from "./sandbox.ts";

// One story, told in order: each command's whole output, exactly.

const sandbox = new Sandbox();
const source = sandbox.path("source");
const at = ["at", "store"];
const ids: string[] = [];
const user = userInfo().username.padEnd(8);
afterAll(() => sandbox.remove());

beforeAll(() => {
  mkdirSync(join(source, "sub"), { recursive: true });
  writeFileSync(join(source, "hello"), "hello, world\n");
  writeFileSync(join(source, "empty"), "");
  writeFileSync(join(source, "run"), "#!/bin/sh\n");
  chmodSync(join(source, "run"), 0o755);
  writeFileSync(join(source, "sub", "numbers"), Array.from({ length: 100_000 }, (_, n) => `${n}\n`).join(""));
  writeFileSync(Buffer.from(`${source}/sub/\xff\x1b[31m`, "latin1"), "a name that is no UTF-8");
  symlinkSync("hello", join(source, "link"));
  for (const name of ["hello", "empty", "run", "sub/numbers"]) utimesSync(join(source, name), 1e9, 1e9);
  utimesSync(Buffer.from(`${source}/sub/\xff\x1b[31m`, "latin1"), 1e9, 1e9);
  lutimesSync(join(source, "link"), 1e9, 1e9);
  utimesSync(join(source, "sub"), 1e9, 1e9);
  utimesSync(source, 1e9, 1e9);
});

/** A run's exit code and masked streams. */
async function transcript(
  ...args: readonly string[]
): Promise<{ status: number | undefined; out: string; err: string }> {
  const { status, stdout, stderr } = await sandbox.run(args);
  return { status, out: masked(stdout, sandbox.directory), err: masked(stderr, sandbox.directory) };
}

/** The ids of all visible snapshots, oldest first. */
async function listedIds(): Promise<string[]> {
  const { events } = await sandbox.events([...at, "ls"]);
  return events.map((event) => String(event["id"]));
}

test("create tells the store's id and the recovery key, once", async () => {
  expect(await transcript(...at, "create")).toEqual({
    status: 0,
    out: "Recovery key of store <key>, shown only now. Write it down and keep it apart from the store:\n\n  <recovery key>\n\nMade store <key>.\n",
    err: "",
  });
});

test("create refuses a place where a store is", async () => {
  expect(await transcript(...at, "create")).toEqual({
    status: 75,
    out: "",
    err: "holdfast: Cannot create a store at store: there is one already (conflict, exit code 75)\n  hint: Choose another place, or use the store that is there.\n",
  });
});

test("ls of an empty store says that there is nothing", async () => {
  expect(await transcript(...at, "ls")).toEqual({ status: 0, out: "", err: "No snapshots match.\n" });
});

test("backup reports what it stored", async () => {
  const { status, out, err } = await transcript(...at, "backup", "--tag", "first", "source");
  expect({ status, out }).toEqual({ status: 0, out: "" });
  expect(err).toMatch(
    /^backup: done\n {2}snapshot {3}<id>\n {2}entries {4}8\n {2}size {7}575 KiB\n {2}unchanged {2}0\n {2}changed {4}8\n {2}new {8}575 KiB\n {2}stored {5}[\d.]+ KiB\n {2}errors {5}0\n {2}duration {3}<duration>\n$/,
  );
});

test("a backup of another host and name reads everything, and stores no content that is there", async () => {
  const { status, err } = await transcript(...at, "backup", "--name", "other", "--host", "web1", "source");
  expect(status).toBe(0);
  expect(err).toContain("\n  unchanged  0\n  changed    8\n  new        0 B\n");
  ids.push(...(await listedIds()));
  expect(ids).toHaveLength(2);
});

test("ls lists snapshots, oldest first, and filters them", async () => {
  const heading = "ID            TIME                             SIZE      ENTRIES  HOST NAME:PATHS [TAGS]\n";
  const first = "<id>  <time>    575 KiB            8  <host> default:~/source  [first]\n";
  const second = "<id>  <time>    575 KiB            8  web1 other:~/source\n";
  expect(await transcript(...at, "ls")).toEqual({ status: 0, out: heading + first + second, err: "" });
  expect((await transcript(...at, "ls", "--tag", "first")).out).toBe(heading + first);
  expect((await transcript(...at, "ls", "--host", "web1")).out).toBe(heading + second);
  expect((await transcript(...at, "ls", "--name", "none")).out).toBe("");
  expect((await transcript(...at, "ls", "--latest", "1")).out).toBe(heading + first + second);
  expect((await transcript("--quiet", ...at, "ls")).out).toBe(first + second);
});

test("ls shows a directory, a whole tree, and one entry, with hostile names escaped", async () => {
  expect(await transcript(...at, "ls", `latest@web1:${source}`)).toEqual({
    status: 0,
    out: ["empty", "hello", "link", "run", "sub/"].map((name) => `~/source/${name}\n`).join(""),
    err: "",
  });
  expect((await transcript(...at, "ls", `latest@web1:${source}/hello`)).out).toBe("~/source/hello\n");
  expect((await transcript(...at, "ls", "--recursive", `latest@web1:${source}/sub`)).out).toBe(
    "~/source/sub/numbers\n~/source/sub/\\xff\\x1b[31m\n",
  );
  expect((await transcript(...at, "ls", "latest@web1")).out).toBe(`/${source.split("/")[1]}/\n`);
  expect((await transcript(...at, "ls", "-l", `latest:${source}`)).out).toBe(
    [
      `-rw-r--r--    1 ${user} ${user}            0 <time> ~/source/empty`,
      `-rw-r--r--    1 ${user} ${user}           13 <time> ~/source/hello`,
      `lrwxrwxrwx    1 ${user} ${user}            0 <time> ~/source/link -> hello`,
      `-rwxr-xr-x    1 ${user} ${user}           10 <time> ~/source/run`,
      `drwxr-xr-x    1 ${user} ${user}            0 <time> ~/source/sub/`,
      "",
    ].join("\n"),
  );
});

test("snapshots are meant by a prefix of their id, latest, latest~n and latest@host, and by nothing else", async () => {
  const [older = "", newer = ""] = ids;
  const idOf = async (reference: string) => (await sandbox.events([...at, "info", reference])).events[0]?.["id"];
  expect(await idOf("latest@web1")).toBe(newer);
  expect(await idOf("latest~0@web1")).toBe(newer);
  expect(await idOf("latest")).toBe(older);
  expect(await idOf(older.slice(0, 8))).toBe(older);
  expect(await idOf(older.toUpperCase().slice(0, 12))).toBe(older);
  expect(await idOf(older)).toBe(older);
  expect((await sandbox.run([...at, "info", "latest~1"])).status).toBe(66);
  expect((await sandbox.run([...at, "info", "ffffffffffff0000"])).status).toBe(66);
  expect((await sandbox.run([...at, "info", older.slice(0, 3)])).status).toBe(64);
  expect((await sandbox.run([...at, "info", "yesterday"])).status).toBe(64);
});

test("cat writes the bytes of files, and nothing else", async () => {
  const { status, stdout, stderr } = await sandbox.run([
    ...at,
    "cat",
    `latest@web1:${source}/hello`,
    `latest@web1:${source}/run`,
  ]);
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "hello, world\n#!/bin/sh\n", stderr: "" });
  const escaped = await sandbox.run([...at, "cat", `latest@web1:${source}/sub/\\xff\\x1b[31m`]);
  expect(escaped.stdout).toBe("a name that is no UTF-8");
  const numbers = await sandbox.do([...at, "cat", `latest@web1:${source}/sub/numbers`]);
  expect(numbers).toBe(readFileSync(join(source, "sub", "numbers"), "utf8"));
  expect(await transcript(...at, "cat", `latest@web1:${source}/sub`)).toMatchObject({ status: 64, out: "" });
  expect(await transcript(...at, "cat", `latest@web1:${source}/none`)).toMatchObject({ status: 66, out: "" });
});

test("restore brings a whole snapshot, a directory or a file back below a directory", async () => {
  const whole = await transcript(...at, "restore", "latest@web1", "--to", "whole");
  expect({ status: whole.status, out: whole.out }).toEqual({ status: 0, out: "" });
  expect(whole.err).toMatch(
    /^restore: done\n {2}snapshot +<id>\n {2}host +web1\n {2}entries +8\n {2}files +5\n {2}kept +0\n/,
  );
  expect(describeDifferences(compareTrees(source, join(sandbox.path("whole"), source)))).toBe("");

  await sandbox.do([...at, "restore", `latest@web1:${source}/sub`, "--to", "part"]);
  expect(describeDifferences(compareTrees(join(source, "sub"), sandbox.path("part"), ["mtime"]))).toBe("");

  await sandbox.do([...at, "restore", `latest@web1:${source}/hello`, "--to", "file"]);
  expect(readFileSync(sandbox.path("file", "hello"), "utf8")).toBe("hello, world\n");
  expect(statSync(sandbox.path("file", "hello")).mtimeMs).toBe(1e12);

  const dry = await transcript(...at, "restore", "--dry-run", "latest@web1", "--to", "dry");
  expect(dry.status).toBe(0);
  expect(() => statSync(sandbox.path("dry"))).toThrow();
});

test("restore to a directory leaves what is there, unless it is told otherwise", async () => {
  const file = sandbox.path("file", "hello");
  writeFileSync(file, "mine");
  await sandbox.do([...at, "restore", `latest@web1:${source}/hello`, "--to", "file"]);
  expect(readFileSync(file, "utf8")).toBe("mine");
  await sandbox.do([...at, "restore", `latest@web1:${source}/hello`, "--to", "file", "--overwrite", "changed"]);
  expect(readFileSync(file, "utf8")).toBe("hello, world\n");
});

test("restore in place does to files that are there what --overwrite says", async () => {
  const inode = (name: string) => statSync(join(source, name), { bigint: true }).ino;
  const before = { hello: inode("hello"), run: inode("run") };
  expect(await transcript(...at, "restore", "latest")).toEqual({
    status: 64,
    out: "",
    err: "holdfast: Cannot restore in place: nothing says what to do with files that are there (usage, exit code 64)\n  hint: Give --to DIR, or one of --overwrite always, changed or never.\n",
  });

  writeFileSync(join(source, "hello"), "changed");
  await sandbox.do([...at, "restore", "latest", "--overwrite", "never"]);
  expect(readFileSync(join(source, "hello"), "utf8")).toBe("changed");

  chmodSync(join(source, "run"), 0o700);
  const changed = await transcript(...at, "restore", "latest", "--overwrite", "changed");
  expect(changed.status).toBe(0);
  expect(changed.err).toContain("\n  kept                     4\n");
  expect(readFileSync(join(source, "hello"), "utf8")).toBe("hello, world\n");
  expect(statSync(join(source, "run")).mode & 0o777).toBe(0o755);
  expect(inode("hello")).not.toBe(before.hello);
  expect(inode("run")).toBe(before.run);

  const always = await transcript(...at, "restore", "latest", "--overwrite", "always");
  expect(always.err).toContain("\n  kept                     0\n");
  expect(inode("run")).not.toBe(before.run);
  expect(describeDifferences(compareTrees(join(sandbox.path("whole"), source), source))).toBe("");
});

test("check verifies structure, a sample, or everything", async () => {
  const structure = await transcript(...at, "check");
  expect({ status: structure.status, out: structure.out }).toEqual({ status: 0, out: "" });
  expect(structure.err).toMatch(
    /^check: done\n {2}snapshots +2\n {2}packs +\d+\n {2}packs read +0\n {2}blobs verified +0\n/,
  );
  expect((await transcript(...at, "check", "--read")).err).toMatch(/\n {2}verified +57\d KiB\n/);
  expect((await transcript(...at, "check", "--read-percent", "50", "latest@web1")).status).toBe(0);
  expect((await transcript(...at, "check", "--read", "--read-percent", "50")).status).toBe(64);
});

test("info tells about the store and about a snapshot", async () => {
  const store = await transcript(...at, "info");
  expect(store).toMatchObject({ status: 0, err: "" });
  expect(store.out).toMatch(
    /^store <key>\n {2}created +<time>\n {2}store id +<key>\n {2}format version +1\n {2}encrypted +yes\n {2}snapshots +2\n {2}removed snapshots +0\n {2}log entries +2\n {2}packs +\d+\n/,
  );
  const snapshot = await transcript(...at, "info", "latest");
  expect(snapshot.out).toBe(
    [
      "snapshot <id>",
      "  time        <time>",
      "  id          <id>",
      "  duration    <duration>",
      "  host        <host>",
      "  name        default",
      "  tags        first",
      "  size        575 KiB",
      "  entries     8",
      "  errors      0",
      "  lost paths  0",
      "  repaired    no",
      "  paths: ~/source",
      "",
    ]
      .join("\n")
      .replace("<host>", (await sandbox.events([...at, "info", "latest"])).events[0]?.["host"] as string),
  );
});

test("rm shows, and with --apply removes; undelete takes it back", async () => {
  const line = "<id>  <time>    575 KiB            8  web1 other:~/source\n";
  expect(await transcript(...at, "rm", "latest@web1")).toEqual({
    status: 0,
    out: `would remove ${line}`,
    err: "Nothing was changed. Add --apply to remove.\n",
  });
  expect(await listedIds()).toEqual(ids);
  expect(await transcript(...at, "rm", "--apply", "latest@web1")).toEqual({
    status: 0,
    out: `removed ${line}`,
    err: "",
  });
  expect(await listedIds()).toEqual(ids.slice(0, 1));
  expect((await transcript(...at, "rm", ids[1]!)).status).toBe(66);
  expect(await transcript(...at, "undelete", "latest")).toMatchObject({ status: 64 });
  expect(await transcript(...at, "undelete", ids[1]!)).toEqual({ status: 0, out: `undeleted ${line}`, err: "" });
  expect(await listedIds()).toEqual(ids);
  expect((await transcript(...at, "undelete", ids[1]!)).status).toBe(66);
});

test("--quiet leaves the answer and takes the report away", async () => {
  expect(await transcript("-q", ...at, "check")).toEqual({ status: 0, out: "", err: "" });
  expect((await transcript("-q", ...at, "ls")).out.split("\n")).toHaveLength(3);
  expect((await transcript("-q", "at", "none", "ls")).err).toContain("(absent, exit code 66)");
});

test("--stdio gives the plain lines that a pipe gets", async () => {
  expect(await transcript("--stdio", ...at, "ls")).toEqual(await transcript(...at, "ls"));
});

test("HOLDFAST_STORE names the store where the line does not, and the line goes first", async () => {
  const env = { HOLDFAST_STORE: sandbox.path("store") };
  expect((await sandbox.do(["--quiet", "ls"], { env })).split("\n")).toHaveLength(3);
  expect((await sandbox.run(["at", "none", "ls"], { env })).status).toBe(66);
  expect(await sandbox.do(["ls"], { env: { HOLDFAST_STORE: `file://${sandbox.path("store")}` } })).not.toBe("");
  expect(await transcript("ls")).toMatchObject({ status: 64 });
});

test("--json writes one event a line, and nothing to standard error", async () => {
  await sandbox.do([...at, "backup", "source"]);
  const backup = await sandbox.events([...at, "backup", "source"]);
  expect({ status: backup.status, stderr: backup.stderr }).toEqual({ status: 0, stderr: "" });
  expect(backup.events.map(({ event }) => event).filter((event) => event !== "progress")).toEqual(["start", "report"]);
  expect(backup.events.at(-1)).toMatchObject({
    event: "report",
    operation: "backup",
    outcome: "ok",
    entries: 8,
    unchanged: 8,
    newBytes: 0,
  });

  const listed = await sandbox.events([...at, "ls", "-r", `latest@web1:${source}/sub`]);
  expect(listed.events).toMatchObject([
    { event: "entry", path: join(source, "sub", "numbers"), type: "file", sizeBytes: 588_890, mtimeSeconds: 1e9 },
    {
      path: `${source}/sub/\\xff\\x1b[31m`,
      pathBase64: Buffer.from(`${source}/sub/\xff\x1b[31m`, "latin1").toString("base64"),
    },
  ]);

  const failed = await sandbox.events([...at, "cat", "latest@web1:/none"]);
  expect(failed).toMatchObject({
    status: 64,
    stderr: "",
    events: [{ event: "failure", kind: "invalid", exitCode: 64 }],
  });
  expect((await sandbox.events(["at", "none", "check"])).events.at(-1)).toMatchObject({
    event: "failure",
    kind: "absent",
  });
  expect((await sandbox.events(["version"])).events).toMatchObject([{ event: "version", version: "0.1.0" }]);

  const listedTo = async (by: readonly string[]) => (await sandbox.run(["--json", ...at, "ls"], { by })).stdout;
  expect(await listedTo(["/bin/sh", "-c", '"$0" "$@" | cat'])).toBe(await listedTo([]));
});

test("doctor finds a directory fit, tells why, and leaves nothing behind", async () => {
  const { status, out, err } = await transcript("at", "fresh", "doctor");
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(out.replaceAll(/\d+ \/ \d+ ms/g, "<ms>")).toMatchInlineSnapshot(`
    "ok    write and read: what is written comes back
    ok    large objects: 5 MiB come back as they were written
    ok    create if absent: a name can be created once only
    ok    racing creators: of 32 racing creators exactly one won, three times
    ok    ranges: parts of objects can be read exactly
    ok    absent objects: what is not there is reported as absent
    ok    listing: 1104 objects are listed, each once and in order
    ok    damaged uploads: a body that does not match its SHA-256 is refused
    weak  stored checksums: the store does not tell the SHA-256 of objects: checking them means reading them
    ok    delete: objects can be deleted, and their names used again
    ok    latency: median / 95th percentile of 4 KiB: put <ms>, get <ms>, head <ms>
    ok    clean-up: the objects of this probe are removed again
    Fit to hold a store.
    "
  `);
  expect(existsSync(sandbox.path("fresh"))).toBe(false);
});

test("help, --help and version", async () => {
  const overview = await transcript("help");
  expect(overview).toMatchObject({ status: 0, err: "" });
  expect(overview.out).toMatch(
    /^holdfast: backups of hosts [^]*?\n\nUsage\n {2}holdfast \[global options\] \[at STORE\] COMMAND/,
  );
  expect(await transcript("--help")).toEqual(overview);
  expect((await transcript("help", "errors")).out).toMatch(/^ +69  unavailable  +the store/m);
  expect(await transcript("backup", "--help")).toEqual(await transcript("help", "backup"));
  expect(await transcript("help", "bakcup")).toMatchObject({
    status: 64,
    err: expect.stringContaining("Did you mean `holdfast help backup`?"),
  });
  expect((await transcript("version")).out).toMatch(/^holdfast 0\.1\.0 \(node 2\d\.\d+\.\d+, \w+-\w+\)\n$/);
});

test("a passphrase comes from a command or a file too", async () => {
  const env = { HOLDFAST_PASSPHRASE: undefined };
  writeFileSync(sandbox.path("passphrase"), `${passphrase}\n`, { mode: 0o600 });
  await sandbox.do(["--passphrase-command", "cat passphrase", ...at, "ls"], { env });
  await sandbox.do(["--keyfile", "passphrase", ...at, "ls"], { env });
  expect((await sandbox.run([...at, "ls"], { env, by: ["setsid", "-w"] })).status).toBe(77);
});
