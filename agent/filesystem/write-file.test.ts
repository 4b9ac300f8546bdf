import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { applyMetadata } from "./apply-metadata.ts";
import type { EntryMetadata } from "./entry-metadata.ts";
import { disableLibc } from "./libc.ts";
import { closeDirectory, openDirectoryPlace } from "./list-directory.ts";
import { makeDirectory } from "./make-special.ts";
import type { MetadataProblem } from "./metadata-problem.ts";
import { createParentTraits } from "./parent-traits.ts";
import { noExtended, readExtended } from "./read-extended.ts";
import { readHoles } from "./read-holes.ts";
import { closeFile, openFile } from "./read-content.ts";
import { statPath } from "./stat-path.ts";
import { abandonFile, createFile, finishFile, setFileSize, writeAt } from "./write-file.ts";
import { writeSmallFile } from "./write-small-file.testing.ts";

const root = mkdtempSync(join(tmpdir(), "holdfast-write-"));
afterAll(() => rmSync(root, { recursive: true }));
afterEach(() => disableLibc(false));

const linux = process.platform === "linux";
const isRoot = process.getuid?.() === 0;
if (!isRoot) process.stderr.write("NOT ROOT: restoring owners and what others may not is not tested\n");

const plain: EntryMetadata = {
  type: "file",
  mode: 0o644,
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
  mtimeSec: -5,
  mtimeNsec: 123_456_789,
  extended: noExtended,
  flags: 0,
};

/** Writes several files into one directory as a restore does, by its descriptor and with one set of traits. */
function writeAll(directory: string, all: readonly EntryMetadata[]): MetadataProblem[] {
  const directoryFd = openDirectoryPlace(directory);
  const traits = createParentTraits();
  const problems = all.flatMap((metadata, index) =>
    writeSmallFile({ path: `file ${index}`, directoryFd, traits, metadata }, Buffer.from(`content ${index}`), {
      owner: true,
    }),
  );
  closeDirectory(directoryFd);
  return problems;
}

function expectKept(directory: string, all: readonly EntryMetadata[]): void {
  for (const [index, { mode, uid, gid, mtimeSec, mtimeNsec }] of all.entries()) {
    const path = `${directory}/file ${index}`;
    expect({ index, ...statPath(path) }).toMatchObject({ index, mode, uid, gid, mtimeSec, mtimeNsec });
    expect(readFileSync(path, "utf8")).toBe(`content ${index}`);
  }
}

describe.runIf(linux)("a file written as a restore does", () => {
  const modes = [0o600, 0o640, 0o644, 0o664, 0o666, 0o777, 0o000, 0o4755, 0o2755, 0o1644, 0o060, 0o440];

  test.each([
    ["a plain directory", () => undefined],
    ["a setgid directory", (at: string) => (isRoot ? (chownSync(at, 0, 4321), chmodSync(at, 0o2777)) : undefined)],
    ["a directory with a default ACL", (at: string) => spawnSync("setfacl", ["-m", "d:u:77:rwx,d:g::---", at])],
    ["a directory with a default ACL that is but a mode", (at: string) => spawnSync("setfacl", ["-m", "d:o::---", at])],
    ["a directory that gives flags", (at: string) => spawnSync("chattr", ["+A", at])],
  ])("gives exact modes, owners and times in %s", (name, prepare) => {
    const at = join(root, name);
    mkdirSync(at);
    prepare(at);
    const owners = isRoot ? [plain.uid, 1000] : [plain.uid];
    const all = owners.flatMap((owner) =>
      modes.map((mode) => ({ ...plain, mode, uid: owner, gid: owner === plain.uid ? plain.gid : owner })),
    );
    // Whichever file comes first is the one that the directory's traits are learned from.
    for (const [index, order] of [all, all.toReversed(), all.slice(1)].entries()) {
      const below = join(at, String(index));
      mkdirSync(below);
      prepare(below);
      expect(writeAll(below, order)).toEqual([]);
      expectKept(below, order);
      const acls = spawnSync("getfacl", ["-s", "-R", below], { encoding: "utf8" }).stdout ?? "";
      expect(acls).not.toContain("file 0");
      const flags = spawnSync("lsattr", [below], { encoding: "utf8" }).stdout ?? "";
      expect(flags.split("\n").filter((line) => /^\S*A/.test(line))).toEqual([]);
    }
  });

  test("does not let the umask show", () => {
    const at = join(root, "umask");
    mkdirSync(at);
    const script = `
      import { writeSmallFile } from ${JSON.stringify(new URL("write-small-file.testing.ts", import.meta.url).pathname)};
      import { createParentTraits } from ${JSON.stringify(new URL("parent-traits.ts", import.meta.url).pathname)};
      import { openDirectoryPlace } from ${JSON.stringify(new URL("list-directory.ts", import.meta.url).pathname)};
      process.umask(0o077);
      const traits = createParentTraits();
      const directoryFd = openDirectoryPlace(".");
      for (const [index, mode] of ${JSON.stringify(modes)}.entries()) {
        const metadata = { ...${JSON.stringify(plain)}, mode };
        const file = { path: "file " + index, directoryFd, metadata, traits };
        writeSmallFile(file, Buffer.from("content " + index), { owner: true });
      }`;
    const ended = spawnSync(process.execPath, ["--input-type=module-typescript", "-e", script], { cwd: at });
    expect(ended.stderr.toString()).toBe("");
    expectKept(
      at,
      modes.map((mode) => ({ ...plain, mode })),
    );
  });

  test.each([false, true])("refuses to write over what is there, libc switched off: %s", (off) => {
    disableLibc(off);
    const path = join(root, `there ${String(off)}`);
    writeFileSync(path, "old");
    const file = { path, metadata: plain, traits: createParentTraits() };
    expect(() => writeSmallFile(file, Buffer.from("new"), { owner: true })).toThrow(
      expect.objectContaining({ kind: "conflict" }),
    );
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(() => createFile({ ...file, path: `${path}/below` })).toThrow(expect.objectContaining({ kind: "absent" }));
  });

  test("without libc keeps modes, owners and microseconds, and reports attributes", () => {
    disableLibc(true);
    const at = join(root, "without");
    mkdirSync(at);
    const all = modes.map((mode) => ({ ...plain, mode, mtimeSec: 1_700_000_000, mtimeNsec: 0 }));
    expect(writeAll(at, all)).toEqual([]);
    expectKept(at, all);
    mkdirSync(join(at, "more"));
    const problems = writeAll(join(at, "more"), [{ ...plain, extended: [["user.x", Buffer.from("1")]], flags: 0x40 }]);
    expect(problems.map(({ attribute, errno }) => [attribute, errno])).toEqual([
      ["xattr user.x", "ENOSYS"],
      ["flag d", "ENOSYS"],
    ]);
  });

  test("takes content in memory that threads share", () => {
    const shared = new Uint8Array(new SharedArrayBuffer(40_000)).fill(7);
    const path = join(root, "shared");
    const file = { path, metadata: plain, traits: createParentTraits() };
    expect(writeSmallFile(file, shared.subarray(100, 30_100), { owner: true })).toEqual([]);
    expect(readFileSync(path).equals(Buffer.alloc(30_000, 7))).toBe(true);
  });
});

describe.runIf(linux)("createFile, writeAt, setFileSize, finishFile", () => {
  test.each([false, true])("leave holes where nothing was written, libc switched off: %s", (off) => {
    const path = join(root, `sparse ${String(off)}`);
    const file = { path, metadata: plain, traits: createParentTraits() };
    const block = 65_536;
    disableLibc(off);
    const fd = createFile(file);
    writeAt(fd, Buffer.alloc(block, 1), 3 * block, path);
    writeAt(fd, Buffer.alloc(10, 2), 20 * block, path);
    setFileSize(fd, 40 * block + 5, path);
    finishFile(fd, file, { owner: true });
    disableLibc(false);
    const written = readFileSync(path);
    expect(written).toHaveLength(40 * block + 5);
    expect(written.indexOf(1)).toBe(3 * block);
    expect(written.lastIndexOf(2)).toBe(20 * block + 9);
    execFileSync("sync", [path]);
    const from = openFile(path);
    const extents = readHoles(from, written.length, path);
    closeFile(from);
    expect(extents.map(([offset]) => offset)).toEqual([3 * block, 20 * block]);
    expect(extents[0]).toEqual([3 * block, block]);
    expect(statSync(path).blocks * 512).toBeLessThan(10 * block);
  });

  test("say that the disk is full", () => {
    const at = join(root, "small");
    mkdirSync(at);
    if (!isRoot || spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "none", at]).status !== 0) {
      process.stderr.write("SKIPPED: no small filesystem can be mounted here\n");
      return;
    }
    try {
      const file = { path: `${at}/big`, metadata: plain, traits: createParentTraits() };
      const full = expect.objectContaining({ kind: "unavailable", detail: { path: `${at}/big`, errno: "ENOSPC" } });
      expect(() => writeSmallFile(file, Buffer.alloc(100_000), { owner: true })).toThrow(full);
      rmSync(file.path);
      const fd = createFile(file);
      expect(() => writeAt(fd, Buffer.alloc(100_000), 0, file.path)).toThrow(full);
      abandonFile(fd);
    } finally {
      execFileSync("umount", [at]);
    }
  });
});

describe.runIf(linux && isRoot)("what the running user may not restore", () => {
  const script = `
    import { writeSmallFile } from ${JSON.stringify(new URL("write-small-file.testing.ts", import.meta.url).pathname)};
    import { applyMetadata } from ${JSON.stringify(new URL("apply-metadata.ts", import.meta.url).pathname)};
    import { makeDirectory, makeSpecial } from ${JSON.stringify(new URL("make-special.ts", import.meta.url).pathname)};
    import { createParentTraits } from ${JSON.stringify(new URL("parent-traits.ts", import.meta.url).pathname)};
    const metadata = { type: "file", mode: 0o6755, uid: 0, gid: 0, mtimeSec: 7, mtimeNsec: 9, flags: 0,
      extended: [["security.capability", Buffer.from("0100000200200000000000000000000000000000", "hex")],
        ["trusted.t", Buffer.from("t")], ["user.u", Buffer.from("u")]] };
    const owner = { owner: true };
    const names = (problems) => problems.map((problem) => problem.attribute + " " + problem.errno);
    const traits = createParentTraits();
    const mine = { ...metadata, uid: 65534, gid: 65534, extended: [["user.u", Buffer.from("u")]] };
    const results = {
      file: names(writeSmallFile({ path: "file", metadata, traits }, Buffer.from("x"), owner)),
      mine: names(writeSmallFile({ path: "mine", metadata: { ...mine, mode: 0o4444 }, traits }, Buffer.from("x"), owner)),
      made: makeDirectory("directory"),
      directory: names(applyMetadata("directory", { ...mine, type: "directory", uid: 0, mode: 0o500 }, owner)),
      again: names(applyMetadata("mine", { ...mine, mode: 0o444, extended: [] }, owner)),
      device: makeSpecial("device", { type: "character-device", rdevMajor: 1, rdevMinor: 3 })?.errno,
    };
    console.log(JSON.stringify(results));`;

  test("is reported by attribute, and the rest is restored", () => {
    const at = mkdtempSync("/tmp/holdfast-nobody-");
    chownSync(at, 65_534, 65_534);
    try {
      const ended = spawnSync(process.execPath, ["--input-type=module-typescript", "-e", script], {
        cwd: at,
        uid: 65_534,
        gid: 65_534,
        encoding: "utf8",
      });
      expect(ended.stderr).toBe("");
      expect(JSON.parse(ended.stdout)).toEqual({
        file: ["owner EPERM", "group EPERM", "xattr security.capability EPERM", "xattr trusted.t EPERM", "mode EPERM"],
        mine: [],
        made: true,
        directory: ["owner EPERM"],
        again: [],
        device: "EPERM",
      });
      expect(statPath(`${at}/file`)).toMatchObject({ mode: 0o755, uid: 65_534, mtimeSec: 7, mtimeNsec: 9 });
      expect(statPath(`${at}/mine`)).toMatchObject({ mode: 0o444, uid: 65_534 });
      expect(statPath(`${at}/directory`)).toMatchObject({ mode: 0o500, mtimeSec: 7 });
      expect(readExtended(`${at}/file`, []).map(([name]) => name)).toEqual(["user.u"]);
      expect(readExtended(`${at}/directory`, []).map(([name]) => name)).toEqual(["user.u"]);
      expect(readExtended(`${at}/mine`, [])).toEqual([]);
    } finally {
      rmSync(at, { recursive: true });
    }
  });

  test("an owner that is not wanted is not put back, nor setuid for another", () => {
    const at = join(root, "no owner");
    mkdirSync(at);
    const file = { path: `${at}/file`, metadata: { ...plain, uid: 1000, mode: 0o4755 }, traits: createParentTraits() };
    expect(writeSmallFile(file, Buffer.from(""), { owner: false }).map(({ attribute }) => attribute)).toEqual(["mode"]);
    expect(statPath(file.path)).toMatchObject({ uid: 0, mode: 0o755 });
  });

  test("a directory that is there loses what it should not have", ({ skip }) => {
    const at = join(root, "cleared");
    mkdirSync(at);
    makeDirectory(`${at}/d`);
    const given = [
      spawnSync("setfacl", ["-m", "u:1:rwx,d:u:1:rwx", `${at}/d`]),
      spawnSync("setfattr", ["-n", "user.x", "-v", "1", `${at}/d`]),
      spawnSync("setfattr", ["-n", "trusted.x", "-v", "1", `${at}/d`]),
    ];
    if (given.some(({ status }) => status !== 0)) {
      process.stderr.write(
        "SKIPPED: that a directory loses ACLs and attributes: setfacl and setfattr are not here, or may not\n",
      );
      skip();
    }
    const metadata = { ...plain, type: "directory", mode: 0o1771, uid: 5, gid: 6 } as const;
    expect(applyMetadata(`${at}/d`, metadata, { owner: true })).toEqual([]);
    expect(readExtended(`${at}/d`, [])).toEqual([]);
    expect(statPath(`${at}/d`)).toMatchObject({ mode: 0o1771, uid: 5, gid: 6 });
  });
});
