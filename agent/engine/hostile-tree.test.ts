import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FilesystemExporter } from "#agent/exporters/filesystem-exporter.ts";
import { createMac } from "#shared/crypto/mac.ts";
import { chunkRowBytes, emptyEntry, type Entry, entryPath, type EntryType, entryTypes } from "#shared/format/entry.ts";
import type { StateId } from "#shared/format/ids.ts";
import type { TreeRoot } from "#shared/format/snapshot.ts";
import { restore } from "#shared/operations/restore/restore.ts";
import { backupSmall, collectingReporter, openSmall } from "#shared/operations/small-store.testing.ts";
import { scriptedSource } from "#shared/operations/backup/scripted-source.testing.ts";
import { NodeStore, sorted } from "#shared/tree/node-store.testing.ts";
import { readEntries } from "#shared/tree/read-tree.ts";
import { TreeBuilder } from "#shared/tree/tree-builder.ts";
import { SmallHost } from "./small-host.testing.ts";

const content = "what a hostile tree would write";
let host: SmallHost;
let chunk: Uint8Array;
let outside: string;
beforeEach(async () => {
  host = await SmallHost.make();
  // A store that holds the content, so that nothing but the tree is false.
  await backupSmall(host.store, [scriptedSource({ entries: [{ path: "x", content }] })]);
  const repository = await openSmall(host.store);
  chunk = (await createMac(repository.requireKey("idKey"))).digest(Buffer.from(content));
  outside = host.path("outside");
  mkdirSync(join(outside, "directory"), { recursive: true });
  writeFileSync(join(outside, "victim"), "untouched");
});
afterEach(() => host.remove());

function entry(path: string, type: EntryType, more: Partial<Entry> = {}): Entry {
  const slash = path.lastIndexOf("/");
  const made = emptyEntry(slash < 0 ? "" : path.slice(0, slash), path.slice(slash + 1), type);
  made.mode = 0o755;
  made.mtimeSec = 12345;
  if (type === entryTypes.file) {
    made.size = content.length;
    made.chunks = new Uint8Array(chunkRowBytes);
    made.chunks.set(chunk);
    new DataView(made.chunks.buffer).setUint32(32, content.length, true);
  }
  return { ...made, ...more };
}

/** Builds a tree by hand and restores all of it. */
async function restoreTree(
  target: string,
  entries: readonly Entry[],
  overwrite: "always" | "changed" | "never" = "always",
) {
  const nodes = new NodeStore();
  const builder = new TreeBuilder(nodes.write);
  for (const each of sorted([emptyEntry("", "", entryTypes.directory), ...entries])) builder.add(each);
  const root: TreeRoot = builder.finish();
  mkdirSync(target, { recursive: true });
  const { reporter, errors } = collectingReporter();
  const owners = { how: "numbers", userNames: new Map(), groupNames: new Map() } as const;
  await restore({
    repository: await openSmall(host.store),
    snapshot: "0".repeat(64) as StateId,
    items: [
      {
        item: {
          entries: () => readEntries(root, nodes.read),
          targetOf: entryPath,
          ancestors: [],
          totalEntries: undefined,
          totalBytes: undefined,
        },
        exporter: new FilesystemExporter({
          root: target,
          makesRoot: false,
          overwrite,
          xattrs: true,
          sparse: false,
          owners,
        }),
      },
    ],
    inFlightBytes: 8 * 1024 * 1024,
    threads: 1,
    reporter,
  });
  return errors;
}

const look = (path: string): string => {
  const { mode, size, mtimeMs, nlink } = lstatSync(path);
  return `${path} ${mode} ${size} ${mtimeMs} ${nlink}`;
};

/** What lies outside, with what could be changed of it. */
function lookOutside(): string[] {
  const names = readdirSync(outside, { recursive: true }).map(String).sort();
  return [
    look(outside),
    ...names.map((name) => look(join(outside, name))),
    readFileSync(join(outside, "victim"), "utf8"),
  ];
}

describe("a hostile tree restored", () => {
  it.each([
    [
      "below a symlink to a directory",
      () => [entry("a", entryTypes.symlink, { target: outside }), entry("a/directory/new", entryTypes.file)],
      ["a/directory/new"],
    ],
    [
      "over a file through a symlink",
      () => [entry("a", entryTypes.symlink, { target: outside }), entry("a/victim", entryTypes.file)],
      ["a/victim"],
    ],
    [
      "as a directory below a symlink",
      () => [entry("a", entryTypes.symlink, { target: "../outside" }), entry("a/new", entryTypes.directory)],
      ["a/new"],
    ],
    [
      "as a symlink below a symlink",
      () => [entry("a", entryTypes.symlink, { target: outside }), entry("a/new", entryTypes.symlink, { target: "x" })],
      ["a/new"],
    ],
    [
      "as a FIFO below a symlink",
      () => [entry("a", entryTypes.symlink, { target: outside }), entry("a/new", entryTypes.fifo)],
      ["a/new"],
    ],
    ["below a file", () => [entry("a", entryTypes.file), entry("a/new", entryTypes.file)], ["a/new"]],
    ["below nothing", () => [entry("a/b/c/new", entryTypes.file), entry("other", entryTypes.file)], ["a/b/c/new"]],
  ] as const)("%s writes nothing outside, and tells", async (_name, entries, refused) => {
    const before = lookOutside();
    const target = host.path("target");
    const errors = await restoreTree(target, entries());
    expect(errors.map((error) => error.path)).toEqual(refused);
    expect(lookOutside()).toEqual(before);
  });

  it("whose link of many names is a symlink in one place changes nothing that it points to", async () => {
    const before = lookOutside();
    const inode = { nlink: 3, device: 1, inodeLo: 7, flags: 0x10, mtimeSec: 99 };
    const target = host.path("target");
    await restoreTree(target, [
      entry("a", entryTypes.symlink, { ...inode, target: join(outside, "victim") }),
      entry("b", entryTypes.file, inode),
      entry("c", entryTypes.symlink, { ...inode, target: join(outside, "victim") }),
    ]);
    expect(lookOutside()).toEqual(before);
    expect(lstatSync(join(target, "b")).isFile()).toBe(true);
    expect(() => writeFileSync(join(outside, "victim"), "untouched")).not.toThrow();
  });

  it("into a target where symlinks were planted follows none of them", async () => {
    const before = lookOutside();
    for (const overwrite of ["always", "changed", "never"] as const) {
      const target = host.path(`planted ${overwrite}`);
      mkdirSync(target);
      symlinkSync(outside, join(target, "directory"));
      symlinkSync(join(outside, "victim"), join(target, "file"));
      symlinkSync(join(outside, "new"), join(target, "dangling"));
      symlinkSync(join(outside, "victim"), join(target, "linked"));
      const errors = await restoreTree(
        target,
        [
          entry("directory", entryTypes.directory),
          entry("directory/victim", entryTypes.file),
          entry("file", entryTypes.file),
          entry("dangling", entryTypes.file),
          entry("first link", entryTypes.file, { nlink: 2, inodeLo: 9 }),
          entry("linked", entryTypes.file, { nlink: 2, inodeLo: 9 }),
        ],
        overwrite,
      );
      expect(lookOutside(), overwrite).toEqual(before);
      expect(existsSync(join(outside, "new"))).toBe(false);
      // A link to a directory may be how this host is laid out: it stays, and what is below it is named as not restored.
      expect(errors.map((error) => error.path)).toContain("directory");
      expect(lstatSync(join(target, "directory")).isSymbolicLink()).toBe(true);
      if (overwrite === "never") expect(lstatSync(join(target, "file")).isSymbolicLink()).toBe(true);
      else expect(readFileSync(join(target, "file"), "utf8")).toBe(content);
    }
  });

  it("whose chunk is not what its name says is told and leaves no file", async () => {
    const wrong = entry("wrong", entryTypes.file);
    wrong.chunks[5] = (wrong.chunks[5] ?? 0) ^ 1;
    const short = entry("short", entryTypes.file, { size: 5 });
    new DataView(short.chunks.buffer).setUint32(32, 5, true);
    const target = host.path("target");
    const errors = await restoreTree(target, [wrong, short, entry("right", entryTypes.file)]);
    expect(errors.map(({ path, kind }) => [path, kind])).toEqual([
      ["short", "corrupt"],
      ["wrong", "corrupt"],
    ]);
    expect(readdirSync(target)).toEqual(["right"]);
  });
});
