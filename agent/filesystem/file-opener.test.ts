import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { FileOpener } from "./file-opener.ts";
import { HoldfastError } from "#shared/errors.ts";
import { disableLibc, libc } from "./libc.ts";
import { closeFile } from "./read-content.ts";

const root = mkdtempSync(join(tmpdir(), "holdfast-opener-"));
afterAll(() => rmSync(root, { recursive: true }));
afterEach(() => disableLibc(false));

for (const path of ["a", "a/b", "ab", "renamed"]) {
  mkdirSync(join(root, path));
  for (const name of ["f", "g"]) writeFileSync(join(root, path, name), `${path}/${name}`);
}
symlinkSync("f", join(root, "a/link"));
symlinkSync("a", join(root, "link"));

const descriptors = (): string[] => readdirSync("/proc/self/fd");

describe.runIf(process.platform === "linux").each([false, true])("FileOpener, libc switched off: %s", (off) => {
  const opener = new FileOpener();
  const contentOf = (path: string): string => {
    const fd = opener.open(path, root.length);
    const content = readFileSync(fd, "utf8");
    closeFile(fd);
    return content;
  };

  test("opens the file of each path, whatever was opened before", () => {
    disableLibc(off);
    for (const path of ["a/f", "a/g", "ab/g", "a/b/f", "a/g", "a/b/g", "ab/f", "renamed/f", "a/f"])
      expect(contentOf(`${root}/${path}`)).toBe(path);
    opener.close();
  });

  test("tells of the whole path what it cannot open, and goes on", () => {
    disableLibc(off);
    expect(contentOf(`${root}/a/f`)).toBe("a/f");
    for (const [path, errno] of [
      ["a/absent", "ENOENT"],
      ["a/link", "ELOOP"],
      ["absent/f", "ENOENT"],
      ["absent/g", "ENOENT"],
      ["a/f/g", "ENOTDIR"],
    ]) {
      const detail = expect.objectContaining({ errno });
      expect(() => opener.open(`${root}/${path}`, root.length), path).toThrow(expect.objectContaining({ detail }));
    }
    expect(() => opener.open("/absent", 1)).toThrow(expect.objectContaining({ kind: "absent" }));
    expect(contentOf(`${root}/a/g`)).toBe("a/g");
    opener.close();
  });

  test.skipIf(off)("follows no link below the root, also where the kernel cannot be told so", () => {
    disableLibc(off);
    const c = libc();
    if (c === undefined) return;
    for (const openat2 of [c.openat2, () => -1]) {
      const spy = vi.spyOn(c, "openat2").mockImplementation(openat2);
      if (openat2 !== c.openat2) vi.spyOn(c, "errno").mockReturnValueOnce(38);
      expect(contentOf(`${root}/a/b/f`)).toBe("a/b/f");
      expect(() => opener.open(`${root}/link/f`, root.length)).toThrow(HoldfastError);
      opener.close();
      spy.mockRestore();
      vi.restoreAllMocks();
    }
  });

  test("opens the file of a directory that was renamed meanwhile", () => {
    disableLibc(off);
    expect(contentOf(`${root}/renamed/f`)).toBe("renamed/f");
    if (!off) {
      renameSync(join(root, "renamed"), join(root, "elsewhere"));
      expect(contentOf(`${root}/renamed/g`)).toBe("renamed/g");
      renameSync(join(root, "elsewhere"), join(root, "renamed"));
    }
    opener.close();
  });

  test("opens a file behind a path that is longer than the system takes", () => {
    disableLibc(off);
    const part = "p".repeat(250);
    const deep = mkdtempSync(join(root, "deep-"));
    const start = process.cwd();
    let path = deep;
    process.chdir(deep);
    try {
      for (; path.length < 4200; path += `/${part}`) {
        mkdirSync(part);
        process.chdir(part);
      }
      writeFileSync("f", "deep");
    } finally {
      process.chdir(start);
    }
    expect(contentOf(`${path}/f`)).toBe("deep");
    opener.close();
    rmSync(deep, { recursive: true });
  });

  test("holds nothing once it is closed", () => {
    disableLibc(off);
    contentOf(`${root}/a/f`);
    opener.close();
    const before = descriptors().length;
    for (const path of ["a/f", "a/b/f", "ab/f", "absent/f"]) {
      try {
        contentOf(`${root}/${path}`);
      } catch {
        // One of them is not there.
      }
    }
    opener.close();
    expect(descriptors()).toHaveLength(before);
  });
});
