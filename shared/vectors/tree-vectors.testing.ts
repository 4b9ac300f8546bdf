import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { encodeChunkList } from "#shared/format/chunk-list.ts";
import { emptyEntry, type Entry, entryTypes } from "#shared/format/entry.ts";
import { encodeErrorList } from "#shared/format/error-list.ts";
import { LeafWriter } from "#shared/format/leaf-writer.ts";
import { encodeInnerNode, encodeTreeNode } from "#shared/format/tree-node.ts";
import { encodeCbor } from "#shared/format/cbor.ts";
import { chunkMac } from "./fixed-store.testing.ts";
import { chunkRows, refusedLeaves } from "./leaf-failures.testing.ts";
import { spoiledMaps, withBytes } from "./spoil.testing.ts";
import { refused, seededBytes, success, type Vector } from "./vector.testing.ts";

/** Tree nodes, chunk lists and error lists. */
export function treeNodeVectors(): Vector[] {
  return [...leafVectors(), ...innerVectors(), ...listVectors()];
}

/** An entry with some fields set. */
export function entryWith(dir: string, name: string, fields: Partial<Entry> = {}): Entry {
  const entry = emptyEntry(dir, name, fields.type ?? entryTypes.file);
  return Object.assign(
    entry,
    { mode: 0o644, uid: 1000, gid: 1000, mtimeSec: 1_767_225_600, ctimeSec: 1_767_225_600, inodeLo: 100 },
    fields,
  );
}

/** A leaf of these entries. */
export function leafOf(...entries: readonly Entry[]): Uint8Array<ArrayBuffer> {
  const writer = new LeafWriter();
  for (const entry of entries) writer.add(entry);
  return writer.finish();
}

const directory = { type: entryTypes.directory, mode: 0o755 } as const;

function leafVectors(): Vector[] {
  const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");
  const leaves: [name: string, about: string, entries: Entry[]][] = [
    ["root", "The root of a tree, alone.", [entryWith("", "", directory)]],
    ["root-file", "A tree that is one file.", [entryWith("", "", { size: 5, chunks: chunkRows(5) })]],
    [
      "types",
      "Every type of entry.",
      [
        entryWith("", "", directory),
        entryWith("", "block", { type: entryTypes.blockDevice, rdevMajor: 8, rdevMinor: 1 }),
        entryWith("", "char", { type: entryTypes.characterDevice, rdevMajor: 1, rdevMinor: 3, mode: 0o666 }),
        entryWith("", "dir", { ...directory, mode: 0o1777 }),
        entryWith("", "fifo", { type: entryTypes.fifo }),
        entryWith("", "file", { size: 1, chunks: chunkRows(1), mode: 0o4755 }),
        entryWith("", "socket", { type: entryTypes.socket }),
        entryWith("", "symlink", { type: entryTypes.symlink, target: "../a\xff/b", mode: 0o777 }),
      ],
    ],
    [
      "front-coding",
      "Names and directories that begin alike; owners that repeat per type.",
      [
        entryWith("usr/share", "alpha"),
        entryWith("usr/share", "alphabet"),
        entryWith("usr/share", "alps", { uid: 0, gid: 0 }),
        entryWith("usr/share", "doc", directory),
        entryWith("usr/share", "zed", { uid: 0, gid: 0 }),
        entryWith("usr/share/doc", "alphabet", { uid: 0, gid: 0 }),
        entryWith("usr/share.old", "doc", directory),
      ],
    ],
    [
      "names",
      "Names of any bytes but zero and slash.",
      [
        entryWith("", "\x01"),
        entryWith("", "\n"),
        entryWith("", " "),
        entryWith("", "..."),
        entryWith("", "caf\xe9"),
        entryWith("", "\xff\xfe"),
      ],
    ],
    [
      "times",
      "Before 1970, nanoseconds, far away, times of birth.",
      [
        entryWith("", "a", { mtimeSec: -2_145_916_800, mtimeNsec: 999_999_999, ctimeNsec: 1 }),
        entryWith("", "b", { btimeSec: 1_000_000_000, btimeNsec: 5 }),
        entryWith("", "c", { btimeSec: 1_767_225_600 }),
        entryWith("", "d", { mtimeSec: 2 ** 50, ctimeSec: -(2 ** 50) }),
        entryWith("", "e", { mtimeSec: -(2 ** 50), ctimeSec: 2 ** 50 }),
      ],
    ],
    [
      "numbers",
      "Inodes of 64 bits, devices, links, flags, the largest owners.",
      [
        entryWith("", "a", { inodeHi: 0xffffffff, inodeLo: 0xffffffff, nlink: 3, device: 8 * 2 ** 32 + 1 }),
        entryWith("", "b", { inodeHi: 0, inodeLo: 0, flags: 0x10, uid: 0xffffffff, gid: 0xfffffffe, mode: 0o7777 }),
        entryWith("", "c", { size: Number.MAX_SAFE_INTEGER, extents: [] }),
      ],
    ],
    [
      "attributes",
      "Extended attributes, one of them empty.",
      [
        entryWith("", "a", {
          xattrs: [
            ["security.capability", Uint8Array.of(1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)],
            ["user.empty", new Uint8Array(0)],
            ["user.\xfc", bytes("value")],
          ],
        }),
        entryWith("", "b", { xattrs: [] }),
      ],
    ],
    [
      "sparse",
      "Holes at the start, between and at the end; a file that is one hole; one chunk and several.",
      [
        entryWith("", "a", { size: 1_000_000, extents: [4096, 100, 500_000, 300], chunks: chunkRows(400) }),
        entryWith("", "b", { size: 1_000_000, extents: [] }),
        entryWith("", "c", { size: 3000, extents: [0, 1000, 2000, 1000], chunks: chunkRows(700, 700, 600) }),
      ],
    ],
    [
      "chunks",
      "No chunk, one, two.",
      [
        entryWith("", "a"),
        entryWith("", "b", { size: 9, chunks: chunkRows(9) }),
        entryWith("", "c", { size: 12, chunks: chunkRows(9, 3) }),
      ],
    ],
    [
      "lists",
      "Chunks in lists.",
      [
        entryWith("", "a", {
          size: 2 ** 40,
          lists: concatBytes(
            chunkMac.digest(Uint8Array.of(1)),
            u64(2 ** 40 - 5),
            chunkMac.digest(Uint8Array.of(2)),
            u64(5),
          ),
        }),
      ],
    ],
    [
      "trouble",
      "A file that changed while it was read, and one that could not be read.",
      [
        entryWith("", "a", { size: 3, chunks: chunkRows(3), changed: true }),
        entryWith("", "b", { error: "Permission denied (EACCES)" }),
      ],
    ],
  ];
  return [
    ...leaves.map(([name, about, entries]) => success("tree-node", name, about, {}, encodeHex(leafOf(...entries)))),
    ...refusedLeaves(),
  ];
}

function innerVectors(): Vector[] {
  const child = (lastDir: string, lastName: string, index: number) => ({
    nodeId: chunkMac.digest(Uint8Array.of(index)),
    lastDir,
    lastName,
    entries: 100 + index,
    totalBytes: index * 1_000_000,
  });
  const good = encodeInnerNode(1, [child("a", "z", 1), child("a/b", "\xff", 2), child("a/bc", "", 3)]);
  const bad = (
    name: string,
    about: string,
    bytes: Uint8Array,
    expect: "corrupt" | "incompatible" = "corrupt",
  ): Vector => refused("tree-node", name, about, expect, bytes);
  return [
    success("tree-node", "inner", "An inner node of three children.", {}, encodeHex(good)),
    success(
      "tree-node",
      "inner-level-2",
      "An inner node above others, with the largest total.",
      {},
      encodeHex(encodeInnerNode(2, [{ ...child("x", "y", 1), totalBytes: Number.MAX_SAFE_INTEGER }])),
    ),
    bad(
      "inner-out-of-order",
      "The second child ends before the first.",
      encodeInnerNode(1, [child("b", "a", 1), child("a", "b", 2)]),
    ),
    bad("inner-twice", "Two children end with one key.", encodeInnerNode(1, [child("a", "a", 1), child("a", "a", 2)])),
    bad("inner-empty", "No children.", encodeTreeNode(1, 0, new Uint8Array(0))),
    bad("inner-truncated", "The last byte is missing.", good.slice(0, -1)),
    bad("inner-trailing-byte", "A byte follows the node.", concatBytes(good, Uint8Array.of(0))),
    bad(
      "inner-name-too-long",
      "A name is longer than names may be.",
      encodeInnerNode(1, [child("a", "n".repeat(4097), 1)]),
    ),
  ];
}

function listVectors(): Vector[] {
  const list = encodeChunkList(chunkRows(5, 6, 7));
  const errors = [
    { path: "/srv/caf\xe9", kind: "EACCES", message: "Permission denied" },
    { path: "/srv/x", kind: "changed", message: "The file changed while it was read. ⚠" },
  ];
  const fields = { version: 1, errors: [] };
  const bad = (
    name: string,
    about: string,
    bytes: Uint8Array,
    expect: "corrupt" | "incompatible" = "corrupt",
  ): Vector => refused("chunk-list", name, about, expect, bytes);
  return [
    success("chunk-list", "three-chunks", "Three chunks.", {}, encodeHex(list)),
    success("chunk-list", "empty", "No chunks.", {}, encodeHex(encodeChunkList(new Uint8Array(0)))),
    bad("newer-version", "Version 2.", withBytes(list, 0, [2]), "incompatible"),
    bad("reserved-bytes", "The reserved bytes are not zero.", withBytes(list, 1, [1])),
    bad("truncated", "The last byte is missing.", list.slice(0, -1)),
    bad("trailing-byte", "A byte follows the list.", concatBytes(list, Uint8Array.of(0))),
    bad("oversized-count", "It claims more rows than it holds.", withBytes(list, 4, u32(0xffffffff))),
    success("error-list", "two-errors", "Two errors.", {}, encodeHex(encodeErrorList(errors))),
    success("error-list", "empty", "No errors.", {}, encodeHex(encodeErrorList([]))),
    ...spoiledMaps(fields).map((each) => refused("error-list", each.name, each.about, each.expect, each.bytes)),
    refused("error-list", "newer-version", "Version 2.", "incompatible", encodeCbor({ ...fields, version: 2 })),
    refused(
      "error-list",
      "path-as-text",
      "A path is a text.",
      "corrupt",
      encodeCbor({ version: 1, errors: [{ path: "a", kind: "b", message: "c" }] }),
    ),
  ];
}

function u32(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function u64(value: number): Uint8Array<ArrayBuffer> {
  return concatBytes(u32(value % 2 ** 32), u32(Math.floor(value / 2 ** 32)));
}
