import { ByteReader } from "#shared/bytes/byte-reader.ts";
import { ByteWriter } from "#shared/bytes/byte-writer.ts";
import { HoldfastError } from "#shared/errors.ts";
import { type EntryBefore, noEntryBefore } from "./entry-before.ts";
import { entryFieldLayout, entryFields } from "./entry-fields.ts";
import { nodeText } from "./node-text.ts";
import {
  chunkRowBytes,
  compareEntryKeys,
  contentBytes,
  type Entry,
  emptyEntry,
  entryTypes,
  listRowBytes,
} from "./entry.ts";
import { checkVersion, formatVersions } from "./version.ts";
import { formatLimits } from "./limits.ts";

/** A child of an inner node: everything up to and with its last key. */
export type TreeChild = {
  readonly nodeId: Uint8Array;
  readonly lastDir: string;
  readonly lastName: string;
  readonly entries: number;
  readonly totalBytes: number;
};

/** The byte table of a tree node's head. */
export const treeNodeLayout = [
  ["version", 1, "1"],
  ["level", 1, "0 for a leaf"],
  ["count", "varint", "entries of a leaf, or children"],
  ["items", "the rest", "entries or children, each relative to the one before"],
] as const;

/** The byte table of a child of an inner node. */
export const treeChildLayout = [
  ["nodeId", 32, "blob id of the child"],
  ["lastDir", "front-coded", "directory of the last entry in the child, coded against that of the child before"],
  ["lastName", "text", "its name"],
  ["entries", "varint", "entries in the child and below"],
  ["totalBytes", "varint", "sum of their sizes, at most 2^53 − 1"],
] as const;

const knownFields = (1 << entryFieldLayout.length) - 1;

/** A node from its encoded items. */
export function encodeTreeNode(level: number, count: number, items: Uint8Array): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(items.byteLength + 16);
  writer.u8(formatVersions.treeNode);
  writer.u8(level);
  writer.varint(count);
  writer.raw(items);
  return writer.toBytes();
}

/** Encodes an inner node of `level` >= 1. */
export function encodeInnerNode(level: number, children: readonly TreeChild[]): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(children.length * 80);
  let lastDir = "";
  for (const child of children) {
    writer.raw(child.nodeId);
    nodeText.writeFrontCoded(writer, lastDir, child.lastDir);
    nodeText.write(writer, child.lastName);
    writer.varint(child.entries);
    writer.varint(child.totalBytes);
    lastDir = child.lastDir;
  }
  return encodeTreeNode(level, children.length, writer.view());
}

/** A decoded node. */
export type TreeNode =
  | { readonly level: 0; readonly entries: readonly Entry[] }
  | { readonly level: number; readonly children: readonly TreeChild[] };

/** Decodes a node. @throws {HoldfastError} corrupt or incompatible */
export function decodeTreeNode(bytes: Uint8Array, subject: string): TreeNode {
  if (bytes.byteLength > formatLimits.treeNodeBytes)
    throw new HoldfastError("corrupt", `Cannot read ${subject}: it is too large`);
  const reader = new ByteReader(bytes, subject);
  checkVersion("treeNode", reader.u8(), subject);
  const level = reader.u8();
  const count = reader.varint();
  if (count === 0) reader.fail("holds nothing");
  if (count > reader.remaining) reader.fail("claims more items than it can hold");
  const node: TreeNode =
    level === 0 ? { level, entries: readEntries(reader, count) } : { level, children: readChildren(reader, count) };
  reader.end();
  return node;
}

function readChildren(reader: ByteReader, count: number): TreeChild[] {
  const children: TreeChild[] = [];
  let lastDir = "";
  let lastName = "";
  for (let index = 0; index < count; index++) {
    const nodeId = reader.view(32);
    const dir = nodeText.readFrontCoded(reader, lastDir, formatLimits.pathBytes);
    const name = nodeText.read(reader, formatLimits.nameBytes);
    if (index > 0 && compareEntryKeys(lastDir, lastName, dir, name) >= 0) reader.fail("has children out of order");
    children.push({ nodeId, lastDir: dir, lastName: name, entries: reader.varint(), totalBytes: reader.varint() });
    lastDir = dir;
    lastName = name;
  }
  return children;
}

function readEntries(reader: ByteReader, count: number): Entry[] {
  const entries: Entry[] = [];
  const previous = noEntryBefore();
  for (let index = 0; index < count; index++) {
    const entry = readEntry(reader, previous, index === 0);
    if (index > 0 && compareEntryKeys(previous.dir, previous.name, entry.dir, entry.name) >= 0)
      reader.fail("has entries out of order");
    previous.dir = entry.dir;
    previous.name = entry.name;
    previous.mtimeSec = entry.mtimeSec;
    previous.ctimeSec = entry.ctimeSec;
    previous.device = entry.device;
    previous.inodeHi = entry.inodeHi;
    previous.inodeLo = entry.inodeLo;
    entries.push(entry);
  }
  return entries;
}

function readEntry(reader: ByteReader, previous: EntryBefore, first: boolean): Entry {
  const type = reader.u8();
  if (type < 1 || type > 7) reader.fail("holds an entry of unknown type");
  const bits = reader.varint();
  if (bits > knownFields) reader.fail("holds an entry with unknown fields");
  if (first && !(bits & entryFields.dir)) reader.fail("holds a first entry without its directory");
  if (bits & entryFields.btime && bits & entryFields.btimeIsCtime)
    reader.fail("holds an entry with two times of birth");
  const dir =
    bits & entryFields.dir ? nodeText.readFrontCoded(reader, previous.dir, formatLimits.pathBytes) : previous.dir;
  const name = nodeText.readFrontCoded(reader, bits & entryFields.dir ? "" : previous.name, formatLimits.nameBytes);
  const entry = emptyEntry(dir, name, type as Entry["type"]);
  if (bits & entryFields.owner) {
    entry.mode = reader.varint();
    entry.uid = reader.varint();
    entry.gid = reader.varint();
    previous.owners.set(type, { mode: entry.mode, uid: entry.uid, gid: entry.gid });
  } else {
    const owner = previous.owners.get(type) ?? reader.fail("holds an entry without an owner");
    entry.mode = owner.mode;
    entry.uid = owner.uid;
    entry.gid = owner.gid;
  }
  entry.device = bits & entryFields.device ? reader.varint() : previous.device;
  if (bits & entryFields.nlink) entry.nlink = reader.varint();
  entry.mtimeSec = previous.mtimeSec + reader.signedVarint();
  entry.mtimeNsec = reader.varint();
  entry.ctimeSec = previous.ctimeSec + reader.signedVarint();
  entry.ctimeNsec = reader.varint();
  if (bits & entryFields.btime) {
    entry.btimeSec = entry.ctimeSec + reader.signedVarint();
    entry.btimeNsec = reader.varint();
  } else if (bits & entryFields.btimeIsCtime) {
    entry.btimeSec = entry.ctimeSec;
    entry.btimeNsec = entry.ctimeNsec;
  }
  entry.inodeHi = previous.inodeHi + reader.signedVarint();
  entry.inodeLo = previous.inodeLo + reader.signedVarint();
  if (bits & entryFields.rdev) {
    entry.rdevMajor = reader.varint();
    entry.rdevMinor = reader.varint();
  }
  if (bits & entryFields.flags) entry.flags = reader.varint();
  if (bits & entryFields.target) entry.target = nodeText.read(reader, formatLimits.pathBytes);
  if (bits & entryFields.xattrs) entry.xattrs = readXattrs(reader);
  if (type === entryTypes.file) readContent(reader, entry, bits);
  else if (bits & (entryFields.extents | entryFields.lists))
    reader.fail("holds content of something that is not a file");
  entry.changed = (bits & entryFields.changed) !== 0;
  if (bits & entryFields.error) entry.error = nodeText.read(reader, formatLimits.pathBytes);
  checkNumbers(reader, entry);
  checkName(reader, entry);
  return entry;
}

function readContent(reader: ByteReader, entry: Entry, bits: number): void {
  entry.size = reader.varint();
  if (bits & entryFields.extents) entry.extents = readExtents(reader, entry.size);
  const count = reader.varint();
  if (bits & entryFields.lists) {
    entry.lists = reader.view(count * listRowBytes).slice();
    checkContent(reader, entry, entry.lists, listRowBytes);
    return;
  }
  if (count === 1) {
    const row = new Uint8Array(chunkRowBytes);
    row.set(reader.view(32));
    new DataView(row.buffer).setUint32(32, Math.min(contentBytes(entry), 2 ** 32 - 1), true);
    entry.chunks = row;
  } else if (count > 1) {
    entry.chunks = reader.view(count * chunkRowBytes).slice();
  }
  checkContent(reader, entry, entry.chunks, chunkRowBytes);
}

/** The chunks make up the content, no more and no less: else a restored file would be another than its size says. */
function checkContent(reader: ByteReader, entry: Entry, rows: Uint8Array, rowBytes: number): void {
  const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
  let bytes = 0;
  for (let at = 32; at < rows.byteLength; at += rowBytes) {
    const length = view.getUint32(at, true) + (rowBytes === listRowBytes ? view.getUint32(at + 4, true) * 2 ** 32 : 0);
    if (length === 0) reader.fail("holds a chunk or a list of no bytes");
    if (rowBytes === chunkRowBytes && length > formatLimits.blobBytes) reader.fail("holds a chunk that is too long");
    bytes += length;
  }
  if (bytes !== contentBytes(entry)) reader.fail("holds a file whose chunks are not as long as its content");
}

function readExtents(reader: ByteReader, size: number): number[] {
  const count = reader.varint();
  if (count > reader.remaining) reader.fail("claims more extents than it can hold");
  const extents: number[] = [];
  let at = 0;
  for (let index = 0; index < count; index++) {
    const offset = at + reader.varint();
    const length = reader.varint();
    at = offset + length;
    if (length === 0) reader.fail("holds an extent of no bytes");
    if (at > size) reader.fail("holds an extent beyond the end of its file");
    extents.push(offset, length);
  }
  return extents;
}

function readXattrs(reader: ByteReader): [string, Uint8Array][] {
  const count = reader.varint();
  if (count > reader.remaining) reader.fail("claims more attributes than it can hold");
  const xattrs: [string, Uint8Array][] = [];
  let last = "";
  for (let index = 0; index < count; index++) {
    const name = nodeText.read(reader, formatLimits.nameBytes);
    if (name === "" || name.includes("\0") || (index > 0 && name <= last))
      reader.fail("holds attributes whose names are not in order or not allowed");
    last = name;
    xattrs.push([name, reader.view(reader.varint()).slice()]);
  }
  return xattrs;
}

const u32Max = 2 ** 32 - 1;

/** What a file system could not have told is damage, and would be another number once it is given to one. */
function checkNumbers(reader: ByteReader, entry: Entry): void {
  const { timeSeconds } = formatLimits;
  const fits =
    entry.mode <= 0o7777 &&
    entry.uid <= u32Max &&
    entry.gid <= u32Max &&
    entry.nlink <= u32Max &&
    entry.flags <= u32Max &&
    entry.rdevMajor <= u32Max &&
    entry.rdevMinor <= u32Max &&
    entry.inodeHi >= 0 &&
    entry.inodeHi <= u32Max &&
    entry.inodeLo >= 0 &&
    entry.inodeLo <= u32Max &&
    Math.abs(entry.mtimeSec) <= timeSeconds &&
    Math.abs(entry.ctimeSec) <= timeSeconds &&
    Math.abs(entry.btimeSec) <= timeSeconds &&
    Math.max(entry.mtimeNsec, entry.ctimeNsec, entry.btimeNsec) < 1_000_000_000;
  if (!fits) reader.fail("holds a number that is out of range");
}

/** Names come from a store that may be hostile: a name with a slash, "." or ".." would reach out of its directory. */
function checkName(reader: ByteReader, entry: Entry): void {
  const { name, dir } = entry;
  if (name === "" ? dir !== "" : name === "." || name === ".." || name.includes("/") || name.includes("\0")) {
    reader.fail("holds an entry whose name is not allowed");
  }
  if (entry.target?.includes("\0") === true) reader.fail("holds a link whose target is not allowed");
  if (dir !== "" && !isSafeDirectory(dir)) reader.fail("holds an entry whose directory is not allowed");
}

let lastSafeDirectory = "";

function isSafeDirectory(dir: string): boolean {
  if (dir === lastSafeDirectory) return true;
  if (dir.includes("\0")) return false;
  for (const part of dir.split("/")) if (part === "" || part === "." || part === "..") return false;
  lastSafeDirectory = dir;
  return true;
}
