import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type {
  AddKeyRequest,
  CreateRequest,
  Engine,
  EntrySummary,
  KeepRecoveryKey,
  KeySummary,
  SnapshotSummary,
} from "#agent/commands/engine.ts";
import { readEnvironment } from "#agent/config/environment.ts";
import { JsonRenderer } from "#agent/render/json-renderer.ts";
import { LineRenderer } from "#agent/render/line-renderer.ts";
import type { Sink } from "#agent/render/renderer.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { Report } from "#shared/operations/progress.ts";
import { runCommandLine } from "./run-command-line.ts";

const snapshot: SnapshotSummary = {
  id: "3f2ac1".padEnd(64, "0"),
  timeMs: Date.UTC(2026, 10, 20, 4, 41, 7),
  durationMs: 3000,
  host: "web1",
  name: "nightly",
  tags: ["a"],
  paths: ["/etc", "/srv/\xff"],
  sizeBytes: 1_400_000_000,
  entries: 78_579,
  errors: 0,
  lostPaths: 0,
  repaired: false,
};
const file: EntrySummary = {
  path: "/etc/caf\xe9\n",
  type: "file",
  mode: 0o4755,
  uid: 0,
  gid: 0,
  user: "root",
  group: undefined,
  sizeBytes: 12,
  mtimeSeconds: 0,
  mtimeNanoseconds: 1,
  linkCount: 1,
  target: undefined,
  xattrs: 1,
};
const slot: KeySummary = { slotId: "aa11", role: "owner", label: "", form: "passphrase", createdMs: 0, current: true };
const done: Report = { operation: "backup", outcome: "ok", facts: {} };

async function* each<Item>(...items: Item[]): AsyncGenerator<Item> {
  for (const item of items) yield await item;
}

/** Runs a command line on an engine of plain answers, and tells what was asked of it and what was written. */
async function tryLine(args: readonly string[], answers: Partial<Engine> = {}, environment: NodeJS.ProcessEnv = {}) {
  const asked: unknown[][] = [];
  const written: Buffer[] = [];
  let out = "";
  let err = "";
  const usual: Record<keyof Engine, (...given: never[]) => unknown> = {
    create: async (request: CreateRequest) => {
      await request.keepRecoveryKey("AAAAA-BBBBB", "5707e");
      return { storeId: "5707e" };
    },
    backup: async () => done,
    restore: async () => done,
    check: async () => done,
    repair: async () => done,
    maintenance: async () => done,
    mount: async () => undefined,
    snapshots: () => each(snapshot),
    snapshot: async () => snapshot,
    entries: () => each(file),
    read: () => each(Buffer.from("con"), Buffer.from("tent")),
    entryErrors: () => each({ path: "/a\xff", kind: "EACCES", message: "permission denied" }),
    info: async () => ({
      storeId: "5707e",
      encrypted: true,
      packs: 3,
      packBytes: 2048,
      createdMs: 0,
      graceMs: 86_400_000,
    }),
    remove: async () => [snapshot],
    undelete: async () => [snapshot],
    keys: async () => [slot],
    addKey: async () => ({ slot, keyfile: Buffer.from("KEY") }),
    removeKey: async () => slot,
    keyToRemove: async () => slot,
    addRecoveryKey: async (keep: KeepRecoveryKey) => {
      await keep("AAAAA-BBBBB", "5707e");
      return { ...slot, form: "recovery" };
    },
    changePassphrase: async () => slot,
    probe: async () => ({ checks: [], fitness: "fit" }),
    close: async () => {},
  };
  const engine = Object.fromEntries(
    Object.entries({ ...usual, ...answers }).map(([name, answer]) => [
      name,
      (...given: never[]) => {
        asked.push([name, ...given]);
        return answer(...given);
      },
    ]),
  ) as unknown as Engine;
  const read = readEnvironment(environment, () => "/home/x");
  const outcome = await runCommandLine(args, {
    signal: new AbortController().signal,
    wiring: {
      environment: read,
      secretSources: (globals) => ({
        keyfile: globals.keyfile,
        passphraseCommand: globals["passphrase-command"],
        passphrase: read.passphrase,
        terminal: async () => undefined,
      }),
      engine: async ({ store }) => {
        asked.push(["store", store ?? read.store]);
        return engine;
      },
    },
    renderer({ json }) {
      const outSink = sink((text) => (out += text));
      const errSink = sink((text) => (err += text));
      return json ? new JsonRenderer(outSink, errSink) : new LineRenderer(outSink, errSink);
    },
    writeBytes: async (bytes) => void written.push(Buffer.from(bytes)),
  });
  return { outcome, asked, out, err, written: Buffer.concat(written).toString() };
}

function sink(write: (text: string) => void): Sink {
  return { write, columns: () => undefined };
}

/** A place that is fit or unfit, or that could not be tried. */
const place = (fitness: "fit" | "unfit" | "unknown"): Partial<Engine> => ({
  async probe(onCheck) {
    const outcome = ({ fit: "warn", unfit: "fail", unknown: "unknown" } as const)[fitness];
    const check = { name: "racing creators", outcome, explanation: "2 of 32 won" };
    onCheck(check);
    const first = { name: "write and read", outcome: "pass", explanation: "" } as const;
    return { checks: [first, { ...check, hint: "Free some space." }], fitness };
  },
});

async function refusal(...args: string[]): Promise<string> {
  try {
    await tryLine(args);
  } catch (error) {
    if (isHoldfastError(error, "invalid")) return `${error.message} | ${error.hint ?? ""}`;
    throw error;
  }
  return "nothing refused";
}

let directory: string;
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), "holdfast-line-"))));
afterAll(() => rm(directory, { recursive: true }));

test.each([
  [["delete"], "`holdfast rm`"],
  [["unlock"], "has no locks"],
  [["ls", "at", "/s"], "`at STORE` comes before the command"],
  [["restore", "latest", "--target", "/x"], "Use --to DIR."],
  [["check", "--read-data"], "Use --read."],
  [["-r", "/s", "ls"], "`holdfast at STORE COMMAND`"],
  [["backup", "/etc", "--excl", "x"], "Did you mean --exclude?"],
  [["help", "snapshots"], "`holdfast ls`"],
  [["key", "list", "--apply"], "it belongs to key remove"],
  [["ls", "--removed", "latest"], "lists all removed ones"],
  [["bakcup"], "Did you mean `holdfast backup`?"],
  [["prune"], "`holdfast maintenance`"],
  [["forget"], "`holdfast rm`"],
  [["frobnicate"], "Run `holdfast help`"],
  [["at"], "no store follows"],
  [["at", "/a", "at", "/b", "ls"], "`at` twice"],
  [["--jsno", "ls"], "Did you mean --json?"],
  [["--tag", "x", "ls"], "Options of a command follow its name"],
  [["ls", "--tagg", "x"], "Did you mean --tag?"],
  [["backup"], "at least one PATH"],
  [["backup", "/etc", "--parent", "xyz"], 'neither an id nor "latest"'],
  [["restore"], "one SNAPSHOT[:PATH], or a SNAPSHOT and PATHs, and none is given"],
  [["restore", "latest"], "--to DIR, or one of --overwrite"],
  [["restore", "latest", "--overwrite", "maybe"], "one of: always, changed, never"],
  [["restore", "latest", "--to", "/x", "--no-owner", "--numeric-owner"], "exclude each other"],
  [["restore", "latest:../x", "--to", "/x"], '".." has no meaning'],
  [["ls", "a", "b"], "2 are given"],
  [["ls", "-r"], "no SNAPSHOT is given"],
  [["ls", "3f2ac1", "--tag", "x"], "with an id"],
  [["ls", "latest", "--latest", "2"], "shortens lists"],
  [["cat"], "at least one SNAPSHOT:PATH"],
  [["cat", "latest"], "names no file"],
  [["--json", "cat", "latest:/a"], "it writes bytes"],
  [["check", "--read", "--read-percent", "3"], "exclude each other"],
  [["check", "--read-percent", "0"], "above 0"],
  [["info", "--errors"], "no SNAPSHOT is given"],
  [["rm"], "at least one SNAPSHOT"],
  [["undelete", "latest"], "counts visible snapshots"],
  [["key"], "Use one of: add, list, remove, passwd"],
  [["key", "ad"], "holdfast key add"],
  [["key", "remove"], "one SLOT after remove"],
  [["key", "list", "--label", "x"], "it belongs to key add"],
  [["key", "add", "--out", "f", "--new-passphrase-command", "true"], "the new key is a file"],
  [["create", "--plaintext", "--recovery-key-file", "f"], "has none"],
  [["create", "--plaintext", "--passphrase-command", "true"], "has none"],
  [["create", "--keyfile", "f"], "`holdfast key add --out FILE`"],
  [["mount", "--hash-password", "--http", "8080"], "Cannot use --http with --hash-password"],
  [["mount", "--hash-password", "--keyfile", "f"], "Cannot use --keyfile with --hash-password"],
  [["backup", "/etc", "--force", "--parent", "latest"], "exclude each other"],
  [["help", "bakcup"], "Did you mean `holdfast help backup`?"],
  [["version", "x"], "no arguments"],
])("%j is refused", async (args, message) => {
  expect(await refusal(...args)).toContain(message);
});

test("backup asks for what its options say", async () => {
  const patterns = join(directory, "patterns");
  await writeFile(patterns, "*.o\n# caf\u00e9\n");
  const line = `backup -n --tag a --tag=b --name n --host h -e *.tmp --exclude-file ${patterns} -x --no-xattr --parent latest~1 --writer /etc /h\u00f6me`;
  const { asked, outcome } = await tryLine(["--concurrency", "4", "at", "/store", ...line.split(" ")]);
  expect(outcome).toBe("ok");
  expect(asked).toEqual([
    ["store", "/store"],
    [
      "backup",
      {
        paths: ["/etc", "/h\xc3\xb6me"],
        dryRun: true,
        tags: ["a", "b"],
        name: "n",
        host: "h",
        excludes: ["*.o", "# caf\xc3\xa9", "", "*.tmp"],
        oneFileSystem: true,
        xattrs: false,
        force: false,
        as: [],
        ignoreCtime: false,
        ignoreInode: false,
        stream: undefined,
        parent: { by: "age", back: 1, line: { host: "h", name: undefined, tags: [] } },
        writer: true,
        rereadPercent: undefined,
        strict: false,
      },
    ],
    ["close"],
  ]);
});

test("the store comes from HOLDFAST_STORE when the line names none, and the line goes first", async () => {
  expect((await tryLine(["ls"], {}, { HOLDFAST_STORE: "/env" })).asked[0]).toEqual(["store", "/env"]);
  expect((await tryLine(["at", "/line", "ls"], {}, { HOLDFAST_STORE: "/env" })).asked[0]).toEqual(["store", "/line"]);
});

test("restore asks for a target, or for its place with an explicit overwrite", async () => {
  const there = await tryLine(["restore", "3f2ac1:/etc/", "--to", "/tmp/x", "--numeric-owner", "--sparse"]);
  expect(there.asked[1]).toEqual([
    "restore",
    {
      reference: { snapshot: { by: "prefix", prefix: "3f2ac1" }, path: "/etc" },
      target: "/tmp/x",
      overwrite: "never",
      dryRun: false,
      owners: "numbers",
      xattrs: true,
      sparse: true,
      paths: [],
      includes: [],
      excludes: [],
      onEntry: undefined,
    },
  ]);
  const inPlace = await tryLine(["restore", "latest", "--overwrite", "changed", "--no-owner", "--no-xattr"]);
  expect(inPlace.asked[1]![1]).toMatchObject({
    target: undefined,
    overwrite: "changed",
    owners: "none",
    xattrs: false,
  });
});

test.each(["partial", "corrupt"] as const)("a report of %s is how the command ends", async (outcome) => {
  const report = async () => ({ ...done, outcome });
  expect((await tryLine(["backup", "/"], { backup: report })).outcome).toBe(outcome);
  expect((await tryLine(["check"], { check: report })).outcome).toBe(outcome);
  expect((await tryLine(["restore", "latest", "--to", "x"], { restore: report })).outcome).toBe(outcome);
});

test.each([
  [[], { snapshots: [], readPercent: 0 }],
  [["--read", "latest"], { snapshots: [{ by: "age", back: 0 }], readPercent: 100 }],
  [["--read-percent=2.5"], { snapshots: [], readPercent: 2.5 }],
])("check %j reads what it says", async (args, request) => {
  expect((await tryLine(["check", ...args])).asked[1]![1]).toEqual(request);
});

test("ls shows snapshots as lines and as events, with names that are no UTF-8", async () => {
  const text = await tryLine(["ls", "--tag", "a", "--latest", "2"]);
  expect(text.asked[1]).toEqual([
    "snapshots",
    { tags: ["a"], host: undefined, name: undefined, latest: 2, removed: false },
  ]);
  expect(text.out).toMatch(
    /^ID {12}TIME .* SIZE +ENTRIES {2}HOST NAME:PATHS \[TAGS\]\n3f2ac1000000 {2}2026-11-\d\d .*1\.30 GiB .* 78,579 {2}web1 nightly:\/etc \/srv\/\\xff {2}\[a\]\n$/,
  );
  const event: unknown = JSON.parse((await tryLine(["ls", "--json"])).out);
  expect(event).toMatchObject({
    event: "snapshot",
    paths: ["/etc", "/srv/\\xff"],
    pathsBase64: ["L2V0Yw==", "L3Nydi//"],
  });
});

test("ls --removed asks for removed snapshots and shows when each was removed; none at all is said", async () => {
  const removed = { ...snapshot, removedAtMs: Date.UTC(2026, 10, 21, 5) };
  const { asked, out } = await tryLine(["ls", "--removed"], { snapshots: () => each(removed) });
  expect(asked[1]).toMatchObject(["snapshots", { removed: true }]);
  expect(out).toMatch(/ {2}removed 2026-11-2\d .*\n$/);
  const none = await tryLine(["ls"], { snapshots: () => each() });
  expect([none.out, none.err]).toEqual(["", "No snapshots match.\n"]);
});

test("without a command the overview is printed, and the exit code is that of a wrong command line", async () => {
  const { out, outcome } = await tryLine([]);
  expect(out).toContain("Commands\n");
  expect(outcome).toBe("invalid");
});

test.each([["--version"], ["-V"], ["backup", "--version"]])("%s %s shows the version", async (...args) => {
  const { out, outcome } = await tryLine(args.filter((each) => each !== undefined));
  expect(out).toMatch(/^holdfast \d+\.\d+\.\d+ \(node /);
  expect(outcome).toBe("ok");
});

test("key remove shows the slot, and deletes it with --apply only; of the slot in use it says so", async () => {
  const plan = await tryLine(["key", "remove", "aa"]);
  expect(plan.asked.map(([name]) => name)).toEqual(["store", "keyToRemove", "close"]);
  expect(plan.out).toMatch(/^would remove aa11 .*\(in use\)\n$/);
  expect(plan.err).toContain("warning: This is the slot in use");
  expect(plan.err).toContain("Add --apply");
  const done = await tryLine(["key", "remove", "--apply", "aa"]);
  expect(done.asked.map(([name]) => name)).toEqual(["store", "removeKey", "close"]);
  expect(done.out).toMatch(/^removed aa11 /);
  expect(done.err).toContain("warning: The slot in use was removed");
});

test("key recovery shows the new recovery key once, or writes it to a private file", async () => {
  const { out } = await tryLine(["key", "recovery"]);
  expect(out).toContain("Recovery key of store 5707e, shown only now");
  expect(out).toContain("AAAAA-BBBBB");
  const path = join(directory, "new-recovery.txt");
  const quiet = await tryLine(["key", "recovery", "--out", path]);
  expect(quiet.out).not.toContain("AAAAA");
  expect(await readFile(path, "utf8")).toBe("AAAAA-BBBBB\n");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test("ls shows entries as names, long, and as events with exact bytes", async () => {
  const names = await tryLine(["ls", "-r", "latest:/etc"]);
  expect(names.asked[1]).toEqual(["entries", { snapshot: { by: "age", back: 0 }, path: "/etc" }, { recursive: true }]);
  expect(names.out).toBe("/etc/caf\\xe9\\n\n");
  expect((await tryLine(["ls", "-l", "latest"])).out).toMatch(/^-rwsr-xr-x\+ +1 root +0 +12 .* \/etc\/caf\\xe9\\n\n$/);
  const event: unknown = JSON.parse((await tryLine(["ls", "--json", "latest"])).out);
  expect(event).toMatchObject({
    path: "/etc/caf\\xe9\\n",
    pathBase64: Buffer.from(file.path, "latin1").toString("base64"),
  });
});

test("cat writes the bytes of each file in order", async () => {
  expect((await tryLine(["cat", "latest:/a", "3f2a:/b"])).written).toBe("contentcontent");
});

test("create shows the recovery key once, or keeps it in a private file", async () => {
  expect((await tryLine(["create"])).out).toContain("AAAAA-BBBBB");
  const path = join(directory, "recovery");
  const kept = await tryLine(["create", "--recovery-key-file", path]);
  expect(kept.out + kept.err).not.toContain("AAAAA");
  expect(await readFile(path, "utf8")).toBe("AAAAA-BBBBB\n");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await expect(tryLine(["create", "--recovery-key-file", path])).rejects.toMatchObject({ kind: "conflict" });
});

test("create takes the new passphrase from HOLDFAST_PASSPHRASE or a command", async () => {
  let passphrase = "";
  const create = async (request: CreateRequest) => {
    passphrase = await request.newPassphrase();
    return { storeId: "5707e" };
  };
  const options = ["create", "--chunk-avg=1M", "--compression", "9", "--grace-period", "2d"];
  const { asked } = await tryLine(options, { create }, { HOLDFAST_PASSPHRASE: "from env" });
  expect(passphrase).toBe("from env");
  expect(asked[1]![1]).toMatchObject({
    plaintext: false,
    chunkAvgBytes: 1_048_576,
    compressionLevel: 9,
    graceMs: 172_800_000,
  });
  await tryLine(["--passphrase-command", "echo from command", "create"], { create }, { HOLDFAST_PASSPHRASE: "x" });
  expect(passphrase).toBe("from command");
});

test("key add makes a key file of mode 0600, and no slot stays when that fails", async () => {
  const path = join(directory, "web1.key");
  const made = await tryLine(["key", "add", "--role", "writer", "--label", "web1", "--out", path]);
  expect(made.asked[1]).toEqual(["addKey", { role: "writer", label: "web1", newPassphrase: undefined }]);
  expect(await readFile(path, "utf8")).toBe("KEY");
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  const asked: string[] = [];
  const removeKey = async (id: string) => {
    asked.push(id);
    return slot;
  };
  await expect(tryLine(["key", "add", "--out", path], { removeKey })).rejects.toThrow("a file by that name is there");
  expect(asked).toEqual(["aa11"]);
});

test("mount --hash-password prints the hash of what a command tells, and asks for no store", async () => {
  const hashed = await tryLine(["mount", "--hash-password", "--json", "--passphrase-command", "echo secret"]);
  expect(JSON.parse(hashed.out)).toMatchObject({ passwordHash: expect.stringMatching(/^\$argon2id\$/) });
  expect(hashed.asked).toEqual([]);
});

test("key add and key passwd take the new passphrase from its own command, never from the present one's source", async () => {
  let passphrase = "";
  const addKey = async ({ newPassphrase }: AddKeyRequest) => {
    passphrase = (await newPassphrase?.()) ?? "";
    return { slot, keyfile: undefined };
  };
  const add = ["key", "add", "--new-passphrase-command", "echo new"];
  await tryLine(add, { addKey }, { HOLDFAST_PASSPHRASE: "present" });
  expect(passphrase).toBe("new");
  await expect(tryLine(["key", "add"], { addKey }, { HOLDFAST_PASSPHRASE: "present" })).rejects.toThrow(
    "there is no terminal",
  );
});

test("rm changes nothing without --apply, and says so", async () => {
  const dry = await tryLine(["rm", "3f2a"]);
  expect(dry.asked[1]).toEqual(["remove", [{ by: "prefix", prefix: "3f2a" }], { apply: false }]);
  expect(dry.out).toMatch(/^would remove 3f2ac1/);
  expect(dry.err).toContain("Nothing was changed");
  const applied = await tryLine(["rm", "--apply", "3f2a"]);
  expect(applied.asked[1]![2]).toEqual({ apply: true });
  expect(applied.out).toMatch(/^removed 3f2ac1/);
});

test("doctor shows each check, and ends incompatible when the place is unfit", async () => {
  const unfit = await tryLine(["doctor"], place("unfit"));
  expect(unfit.outcome).toBe("incompatible");
  expect(unfit.out).toBe("FAIL  racing creators: 2 of 32 won\nUNFIT: do not use it.\n");
  const fit = await tryLine(["doctor"], place("fit"));
  expect(fit.outcome).toBe("ok");
  expect(fit.out).toBe("weak  racing creators: 2 of 32 won\nFit to hold a store.\n");
  const unknown = await tryLine(["doctor"], place("unknown"));
  expect(unknown.outcome).toBe("unavailable");
  expect(unknown.out).toBe(
    "?     racing creators: 2 of 32 won\nNot known: racing creators could not be tried. Free some space.\n",
  );
});

test("info tells about the store, and about a snapshot with what its backup could not read", async () => {
  const store = await tryLine(["info"]);
  expect(store.out).toContain("store 5707e");
  expect(store.out).toMatch(/grace +1 d 00:00/);
  const one = await tryLine(["info", "--errors", "latest"]);
  expect(one.out).toContain("error: /a\\xff: permission denied (EACCES)");
});

test("--help shows the manual and runs nothing", async () => {
  const { out, asked } = await tryLine(["backup", "--help"]);
  expect(out).toContain("holdfast backup: write a snapshot");
  expect(asked).toEqual([]);
  expect((await tryLine(["--help"])).out).toContain("Commands");
});

test("what the engine throws is thrown on, and the engine is closed", async () => {
  let closed = false;
  const answers: Partial<Engine> = {
    backup: () => Promise.reject(new HoldfastError("denied", "no")),
    close: async () => void (closed = true),
  };
  await expect(tryLine(["backup", "/"], answers)).rejects.toThrow("no");
  expect(closed).toBe(true);
});
