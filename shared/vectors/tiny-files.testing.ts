import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { comparePaths, type Entry, entryTypes } from "#shared/format/entry.ts";
import { entryWith } from "./tree-vectors.testing.ts";
import { seededBytes } from "./vector.testing.ts";

/** A file of the tiny store: its entry without chunks, and its content without the holes. */
export type TinyFile = { readonly entry: Entry; readonly content: Uint8Array; readonly inLists?: boolean };

const directory = { type: entryTypes.directory, mode: 0o755, nlink: 1 } as const;
let inode = 1000;

function file(
  dir: string,
  name: string,
  fields: Partial<Entry> = {},
  content: Uint8Array = new Uint8Array(0),
  inLists = false,
): TinyFile {
  return {
    entry: entryWith(dir, name, { inodeLo: inode++, device: 8 * 2 ** 32 + 1, size: content.byteLength, ...fields }),
    content,
    inLists,
  };
}

const text = (words: string): Uint8Array => Buffer.from(words);

/** What the first snapshot of the tiny store holds: every type of entry and every optional field, and `many` small files. */
export function tinyFiles(many: number): TinyFile[] {
  inode = 1000;
  const sparse = concatBytes(seededBytes("tiny sparse 1", 100), seededBytes("tiny sparse 2", 300));
  const hard = { inodeLo: 7, nlink: 2 };
  const files = [
    file("", "", { ...directory, mtimeNsec: 123_456_789 }),
    file("", "all-hole", { size: 5000, extents: [] }),
    file("", "block", { type: entryTypes.blockDevice, rdevMajor: 8, rdevMinor: 1, mode: 0o660 }),
    file("", "caf\xe9", {}, text("a name that is not UTF-8\n")),
    file("", "changing", { changed: true }, text("read while it was written\n")),
    file("", "char", { type: entryTypes.characterDevice, rdevMajor: 1, rdevMinor: 3, mode: 0o666 }),
    file("", "chunks.bin", {}, seededBytes("tiny chunks", 20_000)),
    file("", "dangling", { type: entryTypes.symlink, target: "../no\xffwhere", mode: 0o777 }),
    file("", "deep", directory),
    file("", "empty", { mode: 0o600 }),
    file("", "hard-1", hard, text("one inode, two names\n")),
    file("", "hard-2", hard, text("one inode, two names\n")),
    file(
      "",
      "hello.txt",
      { mtimeSec: -5, mtimeNsec: 999_999_999, btimeSec: 1_600_000_000, btimeNsec: 1 },
      text("Hello, world!\n"),
    ),
    file("", "large.bin", {}, seededBytes("tiny large", 12_000), true),
    file("", "many", { ...directory, mode: 0o1777 }),
    file("", "new\nline", {}, text("a name with a line end\n")),
    file("", "pipe", { type: entryTypes.fifo }),
    file("", "setuid", { mode: 0o6755, uid: 0, gid: 0, flags: 0x40 }, text("#!/bin/sh\n")),
    file("", "socket", { type: entryTypes.socket }),
    file("", "sparse", { size: 1_000_000, extents: [4096, 100, 500_000, 300] }, sparse),
    file("", "unreadable", { error: "Permission denied (EACCES)" }),
    file(
      "",
      "with-attributes",
      {
        xattrs: [
          ["user.colour", text("blue")],
          ["user.\xfcber", Uint8Array.of(0, 255)],
        ],
      },
      text("x"),
    ),
    file("deep", "a", directory),
    file("deep/a", "b", directory),
    file("deep/a/b", "leaf.txt", {}, text("deep down\n")),
    ...Array.from({ length: many }, (_each, index) => file("many", `file-${index}`, {}, text(`file ${index % 100}\n`))),
  ];
  return sorted(files);
}

/** The second snapshot: a file changed, one is gone, one is new. */
export function laterFiles(many: number): TinyFile[] {
  const files = tinyFiles(many).filter(({ entry }) => entry.name !== "empty" && entry.name !== "hello.txt");
  return sorted([
    ...files,
    file("", "hello.txt", { mtimeSec: 1_767_312_000 }, text("Hello again, world!\n")),
    file("deep/a/b", "new.txt", { mtimeSec: 1_767_312_000 }, seededBytes("tiny new", 500)),
  ]);
}

function sorted(files: TinyFile[]): TinyFile[] {
  return files.toSorted(
    ({ entry: left }, { entry: right }) => comparePaths(left.dir, right.dir) || (left.name < right.name ? -1 : 1),
  );
}
