import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { disableLibc } from "./libc.ts";
import { makeDirectory } from "./make-special.ts";
import { SafeTarget } from "./safe-target.ts";
import { writeSmallFile } from "./write-small-file.testing.ts";

const root = mkdtempSync(join(tmpdir(), "holdfast-target-"));
afterAll(() => rmSync(root, { recursive: true }));

let to = "";
let count = 0;
beforeEach(() => {
  to = join(root, `target ${count++}`);
  mkdirSync(to);
  mkdirSync(join(root, "outside"), { recursive: true });
});
afterEach(() => {
  disableLibc(false);
  expect(readdirSync(join(root, "outside"))).toEqual([]);
});

function write(target: SafeTarget, path: string): void {
  const place = target.locate(path);
  const metadata = {
    type: "file",
    mode: 0o644,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    mtimeSec: 1,
    mtimeNsec: 0,
    extended: [],
    flags: undefined,
  } as const;
  writeSmallFile({ ...place, metadata }, Buffer.from(path, "latin1"), { owner: true });
}

function make(target: SafeTarget, path: string): void {
  const place = target.locate(path);
  makeDirectory(place.path, place.directoryFd);
}

describe.each([false, true])("SafeTarget, libc switched off: %s", (off) => {
  beforeEach(() => disableLibc(off));

  test.each([
    "/etc/passwd",
    "..",
    "../outside/x",
    "a/../../outside/x",
    "a/..",
    ".",
    "./x",
    "a/./x",
    "a//x",
    "a/",
    "/",
    "a/b\0c",
    "\0",
  ])("refuses the path %j", (path) => {
    const target = SafeTarget.open(to);
    make(target, "a");
    write(target, "a/before");
    expect(() => target.locate(path)).toThrow(expect.objectContaining({ kind: "invalid" }));
    target.close();
  });

  test.each(["...", "..x", "-rf", "a\\..\\b", "\xff", "con", "~"])("takes the plain name %j", (name) => {
    const target = SafeTarget.open(to);
    make(target, name);
    write(target, `${name}/${name}`);
    target.close();
    expect(readFileSync(Buffer.from(`${to}/${name}/${name}`, "latin1"), "latin1")).toBe(`${name}/${name}`);
  });

  test("does not go through a symlink that was there before", () => {
    symlinkSync(join(root, "outside"), join(to, "link"));
    symlinkSync(".", join(to, "dot"));
    const target = SafeTarget.open(to);
    for (const path of ["link/x", "dot/x", "dot/link/x"]) {
      expect(() => write(target, path)).toThrow(expect.objectContaining({ kind: "conflict" }));
    }
    target.close();
  });

  test("does not write through a symlink in the place of the file", () => {
    symlinkSync(join(root, "outside/x"), join(to, "x"));
    const target = SafeTarget.open(to);
    expect(() => write(target, "x")).toThrow(expect.objectContaining({ kind: "conflict" }));
    target.close();
  });

  test("does not go through a symlink that takes the place of a directory meanwhile", () => {
    const target = SafeTarget.open(to);
    make(target, "a");
    make(target, "a/b");
    write(target, "a/b/first");
    renameSync(join(to, "a"), join(to, "moved"));
    symlinkSync(join(root, "outside"), join(to, "a"));
    mkdirSync(join(to, "moved/b"), { recursive: true });
    // The directory that is open is written to, wherever it is now.
    write(target, "a/b/second");
    expect(readdirSync(join(to, "moved/b")).sort()).toEqual(["first", "second"]);
    target.forget("a");
    expect(() => write(target, "a/b/third")).toThrow(expect.objectContaining({ kind: "conflict" }));
    target.close();
  });

  test("says that a directory on the way is a file, or is not there", () => {
    const target = SafeTarget.open(to);
    write(target, "file");
    expect(() => target.locate("file/x")).toThrow(expect.objectContaining({ kind: "conflict" }));
    expect(() => target.locate("absent/x")).toThrow(expect.objectContaining({ kind: "absent" }));
    target.close();
    expect(() => SafeTarget.open(join(to, "absent"))).toThrow(expect.objectContaining({ kind: "absent" }));
    expect(() => SafeTarget.open(join(to, "file"))).toThrow(expect.objectContaining({ name: "HoldfastError" }));
  });

  test("holds a bounded number of directories, keeps the last places good, and closes all", () => {
    const open = readdirSync("/proc/self/fd").length;
    const target = SafeTarget.open(to, { heldDirectories: 16 });
    for (let i = 0; i < 200; i++) make(target, `d${i}`);
    const first = target.locate("d0/kept");
    for (let i = 1; i < 16; i++) write(target, `d${i}/x`);
    makeDirectory(first.path, first.directoryFd);
    expect(readdirSync(join(to, "d0"))).toEqual(["kept"]);
    for (let i = 0; i < 400; i++) write(target, `d${(i * 7) % 200}/y${i}`);
    expect(readdirSync("/proc/self/fd").length - open).toBeLessThanOrEqual(33);
    target.close();
    expect(readdirSync("/proc/self/fd")).toHaveLength(open);
  });

  test("goes hundreds of directories deep", () => {
    const target = SafeTarget.open(to, { heldDirectories: 16 });
    let path = "d";
    make(target, path);
    for (let depth = 0; depth < 600; depth++) {
      path += "/directory";
      make(target, path);
    }
    write(target, `${path}/bottom`);
    target.close();
    const again = SafeTarget.open(to, { heldDirectories: 16 });
    write(again, `${path}/again`);
    expect(again.locate(path).path).toBe("directory");
    again.close();
  });
});
