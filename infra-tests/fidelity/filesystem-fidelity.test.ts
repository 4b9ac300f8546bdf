import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { disableLibc } from "#agent/filesystem/libc.ts";
import { compareTrees, describeDifferences } from "./compare-trees.ts";
import { copyTree } from "./copy-tree.ts";
import { makeTree, removeTree } from "./make-tree.ts";

/** Shown in every test run: what is not tested must not pass for tested. */
function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

const disk = mkdtempSync(join(tmpdir(), "holdfast-fidelity-"));
const memory = existsSync("/dev/shm") ? mkdtempSync("/dev/shm/holdfast-fidelity-") : undefined;
const linux = process.platform === "linux";
if (!linux) say("SKIPPED: the fidelity of the filesystem is tested on Linux only");
if (process.getuid?.() !== 0) say("NOT ROOT: owners, devices, trusted attributes and capabilities are not tested");

afterAll(() => {
  removeTree(disk);
  if (memory !== undefined) removeTree(memory);
});

function openDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

describe.runIf(linux)("a tree of everything, copied", () => {
  test.each([
    ["from the disk to the disk", disk, disk],
    ["from memory to memory", memory ?? disk, memory ?? disk],
  ])("%s is the same in every attribute", (name, fromBase, toBase) => {
    const from = join(fromBase, `from ${name}`);
    const to = join(toBase, `to ${name}`);
    const { missing } = makeTree(from);
    if (missing.length > 0) say(`not made here: ${missing.length}, such as ${missing[0]}`);
    mkdirSync(to);
    const before = openDescriptors();
    expect(copyTree(from, to)).toEqual([]);
    expect(openDescriptors()).toBe(before);
    const comparison = compareTrees(from, to);
    expect(describeDifferences(comparison)).toBe("");
    expect(comparison.comparedEntries).toBeGreaterThan(600);
    expect(getfacl(to)).toBe(getfacl(from));
  });

  test.each([
    ["from the disk to memory", disk, memory ?? disk],
    ["from memory to the disk", memory ?? disk, disk],
  ])("%s is the same but for what is reported", (name, fromBase, toBase) => {
    const from = join(fromBase, `from ${name}`);
    const to = join(toBase, `to ${name}`);
    makeTree(from);
    mkdirSync(to);
    const reported = new Set(copyTree(from, to).map(({ path, attribute }) => `${path} ${attribute}`));
    const differing = new Set<string>();
    for (const { path, attribute, expected } of compareTrees(from, to).differences) {
      if (attribute !== "flags") differing.add(`${path} ${attribute}`);
      else for (const letter of expected.replace(/[dAia]/g, "")) differing.add(`${path} flag ${letter}`);
    }
    expect([...reported].sort()).toEqual([...differing].sort());
  });

  test("without koffi keeps what Node can keep, and reports the rest", () => {
    const from = join(disk, "from without");
    const to = join(disk, "to without");
    makeTree(from);
    mkdirSync(to);
    disableLibc(true);
    try {
      const special = ["socket", "fifo", "character-device", "block-device"];
      const problems = copyTree(from, to);
      expect(problems.filter(({ attribute }) => !special.includes(attribute))).toEqual([]);
    } finally {
      disableLibc(false);
    }
    const comparison = compareTrees(from, to, ["xattrs", "flags", "holes", "mtime"]);
    // A group's bits and an ACL are one: where the ACL is lost the bits stay as they were.
    const differing = comparison.differences.filter(({ path }) => !/^special\/|^extended\/fifo/.test(path));
    expect(differing).toEqual([]);
  });
});

test.runIf(linux)("the comparison finds every attribute that is changed by a hair", ({ skip }) => {
  const wanted = ["setfattr", "getfattr", "chattr", "lsattr", "setfacl", "fallocate", "python3"];
  const lacking = wanted.filter((name) => spawnSync(name, ["--help"]).error !== undefined);
  if (lacking.length > 0) {
    say(`SKIPPED: that the comparison finds every change: ${lacking.join(", ")} not installed`);
    skip();
  }
  const from = join(disk, "compared");
  const to = join(disk, "compared too");
  makeTree(from, { manyFiles: 3, lateFlags: false });
  mkdirSync(to);
  copyTree(from, to);
  expect(compareTrees(from, to).differences).toEqual([]);
  const change = (command: string, ...words: string[]): void => {
    expect(spawnSync(command, words, { cwd: to, encoding: "utf8" }).stderr).toBe("");
  };
  change("chmod", "u+s", "modes/file-777");
  change("touch", "-h", "-d", "@0.000000002", "times/file-1970-ns");
  change("touch", "-h", "-d", "@7", "times/link-1970");
  change("setfattr", "-n", "user.plain", "-v", "valuf", "extended/user");
  change("chattr", "-d", "flags/file-d");
  change("truncate", "-s", "+1", "holes/end");
  change("ln", "-sfT", "elsewhere/", "links/to-directory");
  change("cp", "--remove-destination", "-p", "links/original", "links/second");
  change("fallocate", "-l", "65536", "holes/tiny");
  writeFileSync(join(to, "content/random-3m"), Buffer.alloc(1), { flag: "r+" });
  change("touch", "-r", join(from, "content/random-3m"), "content/random-3m");
  const found = new Set(compareTrees(from, to).differences.map(({ path, attribute }) => `${path} ${attribute}`));
  for (const expected of [
    "modes/file-777 mode",
    "times/file-1970-ns mtime",
    "times/link-1970 mtime",
    "extended/user xattr user.plain",
    "flags/file-d flags",
    "holes/end size",
    "links/to-directory target",
    "links/second links",
    "content/random-3m content",
  ]) {
    expect(found).toContain(expected);
  }
});

function getfacl(root: string): string {
  const { stdout, error } = spawnSync("getfacl", ["-R", "-P", "-n", "extended"], { cwd: root, encoding: "latin1" });
  if (error !== undefined) {
    process.stderr.write("SKIPPED: ACLs are not compared, since getfacl is not installed\n");
    return "";
  }
  return stdout.split("\n\n").sort().join("\n\n");
}
