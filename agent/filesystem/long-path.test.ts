import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { applyFlagsOpen } from "./apply-flags.ts";
import { applyMetadata } from "./apply-metadata.ts";
import { createEntryStat } from "./entry-stat.ts";
import { disableLibc } from "./libc.ts";
import { closeDirectory, listDirectory, openDirectory } from "./list-directory.ts";
import { openShortPath } from "./long-path.ts";
import { makeDirectory, makeHardLink, makeSpecial, makeSymlink, removeEntry } from "./make-special.ts";
import { createParentTraits } from "./parent-traits.ts";
import { closeFile, openFile, readAt } from "./read-content.ts";
import { readExtended } from "./read-extended.ts";
import { readFlags } from "./read-flags.ts";
import { readLink } from "./read-link.ts";
import { statInto, statPath } from "./stat-path.ts";
import { writeSmallFile } from "./write-small-file.testing.ts";

const root = mkdtempSync(join(tmpdir(), "holdfast-long-"));
afterAll(() => execFileSync("rm", ["-rf", root]));
afterEach(() => disableLibc(false));

const metadata = {
  type: "file",
  mode: 0o644,
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
  mtimeSec: 1_000_000_007,
  mtimeNsec: 0,
  extended: [["user.far", Buffer.from("away")]],
  flags: 0,
} as const;

describe.runIf(process.platform === "linux")("a path of more than 6000 bytes", () => {
  test.each([false, true])("serves every call, and leaves no descriptor, libc switched off: %s", (off) => {
    disableLibc(off);
    let directory = `${root}/${String(off)}`;
    mkdirSync(directory);
    const open = readdirSync("/proc/self/fd").length;
    while (directory.length < 6200) {
      directory += `/${"é".repeat(50)}${directory.length}`;
      makeDirectory(directory);
    }
    const traits = createParentTraits();
    const path = `${directory}/file`;
    const wanted = off ? { ...metadata, extended: [] } : metadata;
    writeSmallFile({ path, metadata: wanted, traits }, Buffer.from("deep"), { owner: true });
    makeSymlink(`${directory}/link`, "file");
    makeHardLink({ path }, { path: `${directory}/second` });
    if (!off) expect(makeSpecial(`${directory}/fifo`, { type: "fifo" })).toBeUndefined();

    expect(listDirectory(directory)).toEqual(
      ["fifo", "file", "link", "second"].filter((name) => !off || name !== "fifo"),
    );
    expect(statPath(path)).toMatchObject({ size: 4, nlink: 2, mtimeSec: 1_000_000_007 });
    expect(readLink(`${directory}/link`)).toBe("file");
    expect(readExtended(path, [])).toEqual(off ? [] : [["user.far", new Uint8Array(Buffer.from("away"))]]);
    expect(readFlags(path)).toBe(off ? undefined : 0);
    expect(applyMetadata(path, { ...wanted, mode: 0o600, mtimeSec: 7 }, { owner: true })).toEqual([]);
    expect(statPath(path)).toMatchObject({ mode: 0o600, mtimeSec: 7 });
    expect(applyMetadata(`${directory}/link`, { ...wanted, type: "symlink", extended: [] }, { owner: true })).toEqual(
      [],
    );

    const fd = openFile(path);
    const into = new Uint8Array(10);
    expect(readAt(fd, into, 0, path)).toBe(4);
    closeFile(fd);
    const place = openDirectory(directory);
    expect(statPath("file", place).size).toBe(4);
    closeDirectory(place);
    expect(removeEntry(path, "other")).toBe(true);
    expect(removeEntry(path, "other")).toBe(false);
    expect(statInto(path, createEntryStat())).toBe(2);
    expect(() => openShortPath(`${directory}/absent/${"x/".repeat(3000)}`)).toThrow(
      expect.objectContaining({ kind: "absent" }),
    );
    expect(statInto(`${root}/${"x".repeat(5000)}`, createEntryStat())).toBe(36);
    expect(readdirSync("/proc/self/fd")).toHaveLength(open);
  });

  test("reaches a directory whose path ends in the gap", () => {
    // Every length around the limits, so that no cut falls badly.
    const base = `${root}/lengths`;
    mkdirSync(base);
    let directory = base;
    while (directory.length < 3990) {
      directory += `/${"d".repeat(Math.min(200, 3990 - directory.length))}`;
      makeDirectory(directory);
    }
    for (let extra = 1; extra < 130; extra++) {
      const path = `${directory}/${"x".repeat(extra)}`;
      makeDirectory(path);
      expect(statPath(path).type).toBe("directory");
      expect(statPath(`${path}/`).type).toBe("directory");
      expect(listDirectory(path)).toEqual([]);
      expect(readExtended(path, [])).toEqual([]);
    }
    expect(applyFlagsOpen(-1, 0)).toEqual([]);
  });
});
