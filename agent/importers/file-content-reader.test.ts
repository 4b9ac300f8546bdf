import {
  appendFileSync,
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { statPath } from "#agent/filesystem/stat-path.ts";
import type { ContentReader, SeenFile } from "#shared/connectors/content-reader.ts";
import { createContentReader } from "./file-content-reader.ts";
import { identityOf } from "./skipped-directories.ts";

const base = mkdtempSync(join(tmpdir(), "holdfast-reader-"));
afterAll(() => rmSync(base, { recursive: true }));
let root: string;
let count = 0;
beforeEach(() => {
  root = join(base, `${++count}`);
  mkdirSync(join(root, "d"), { recursive: true });
  mkdirSync(join(root, "secret"));
  writeFileSync(join(root, "d/file"), "mine");
  writeFileSync(join(root, "secret/file"), "theirs", { mode: 0o600 });
});

/** What a scan sees of a file. */
function seenOf(path: string): SeenFile {
  const stat = statPath(path);
  const { size, blocks512, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec } = stat;
  return {
    path,
    rootBytes: root.length,
    size,
    blocks512,
    mtimeSec,
    mtimeNsec,
    ctimeSec,
    ctimeNsec,
    ...identityOf(stat),
  };
}

function contentOf(reader: ContentReader): string {
  const into = Buffer.alloc(1000);
  let text = "";
  for (let length = reader.read(into); length > 0; length = reader.read(into))
    text += into.toString("latin1", 0, length);
  return text;
}

describe("a file is read only where it is the one that was scanned", () => {
  it("not behind a link that took the place of a directory", () => {
    const reader = createContentReader({ xattrs: true });
    const seen = seenOf(join(root, "d/file"));
    renameSync(join(root, "d"), join(root, "was"));
    symlinkSync("secret", join(root, "d"));
    expect(() => reader.open(seen)).toThrow(expect.objectContaining({ kind: expect.any(String) }));
    reader.endBatch();
  });

  it("but with its own owner and permissions where another directory or file took the place", () => {
    for (const replace of [
      () => {
        renameSync(join(root, "d"), join(root, "was"));
        renameSync(join(root, "secret"), join(root, "d"));
      },
      () => renameSync(join(root, "secret/file"), join(root, "d/file")),
    ]) {
      root = join(base, `${++count}`);
      for (const name of ["d", "secret"]) mkdirSync(join(root, name), { recursive: true });
      writeFileSync(join(root, "d/file"), "mine");
      writeFileSync(join(root, "secret/file"), "theirs");
      chmodSync(join(root, "secret/file"), 0o600);
      const reader = createContentReader({ xattrs: false });
      const seen = seenOf(join(root, "d/file"));
      replace();
      reader.open(seen);
      expect(contentOf(reader)).toBe("theirs");
      expect(reader.found).toMatchObject({ mode: 0o600, inodeLo: lstatSync(join(root, "d/file")).ino % 2 ** 32 });
      expect(reader.close()).toBe(false);
      reader.endBatch();
    }
  });

  it("and never something that is no file any more", () => {
    const reader = createContentReader({ xattrs: true });
    const seen = seenOf(join(root, "d/file"));
    rmSync(join(root, "d/file"));
    mkdirSync(join(root, "d/file"));
    expect(() => reader.open(seen)).toThrow("a directory took its place");
    reader.endBatch();
  });
});

it("a file that changed is taken as it is when it is opened again", () => {
  const reader = createContentReader({ xattrs: true });
  const seen = seenOf(join(root, "d/file"));
  reader.open(seen);
  appendFileSync(join(root, "d/file"), " and more");
  expect(reader.close()).toBe(true);
  reader.open(seen, true);
  expect(reader.contentBytes).toBe(13);
  expect(contentOf(reader)).toBe("mine and more");
  expect(reader.found).toBeDefined();
  expect(reader.close()).toBe(false);
  reader.endBatch();
});

it.runIf(process.platform === "linux").each(["/proc/sys/kernel/ostype", "/proc/filesystems"])(
  "a file that says it is empty is read to its end, however much is asked for: %s",
  (path) => {
    const reader = createContentReader({ xattrs: false });
    root = "/proc";
    reader.open(seenOf(path));
    const into = Buffer.alloc(12 * 1024 * 1024);
    let length = 0;
    for (let more = reader.read(into); more > 0; more = reader.read(into)) length += more;
    expect(length).toBe(readFileSync(path).byteLength);
    expect(reader.contentBytes).toBe(length);
    reader.close();
    reader.endBatch();
  },
);

it.runIf(process.platform === "linux")("a file that says it is empty is read to its end", () => {
  const reader = createContentReader({ xattrs: false });
  root = "/proc";
  const seen = seenOf("/proc/sys/kernel/ostype");
  expect(seen.size).toBe(0);
  reader.open(seen);
  expect(contentOf(reader)).toBe(readFileSync("/proc/sys/kernel/ostype", "latin1"));
  expect(reader.contentBytes).toBe(6);
  reader.close();
  reader.endBatch();
});
