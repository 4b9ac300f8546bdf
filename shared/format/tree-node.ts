import { ByteReader } from "#shared/bytes/byte-reader.ts";
import { ByteWriter } from "#shared/bytes/byte-writer.ts";
import { HoldfastError } from "#shared/errors.ts";
import { chunkRowBytes, compareEntryKeys, contentBytes, type Entry, emptyEntry, entryTypes, listRowBytes, noChunks } from "./entry.ts";
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

/** The bits that say which fields an entry has. */
const has = {
  dir: 1 << 0,
  owner: 1 << 1,
  device: 1 << 2,
  nlink: 1 << 3,
  btime: 1 << 4,
  btimeIsCtime: 1 << 5,
  rdev: 1 << 6,
  flags: 1 << 7,
  target: 1 << 8,
  xattrs: 1 << 9,
  extents: 1 << 10,
  lists: 1 << 11,
  changed: 1 << 12,
  error: 1 << 13,
} as const;
const allBits = (1 << 14) - 1;

/** The byte table of a tree node's head. */
export const treeNodeLayout = [
  ["version", 1, "1"],
  ["level", 1, "0 for a leaf"],
  ["count", "varint", "entries of a leaf, or children"],
  ["items", "the rest", "entries or children, each relative to the one before"],
] as const;

type Previous = {
  dir: string;
  name: string;
  mtimeSec: number;
  ctimeSec: number;
  device: number;
  inodeLo: number;
  inodeHi: number;
  readonly owners: Map<number, { mode: number; uid: number; gid: number }>;
};

function nothingBefore(): Previous {
  return { dir: "", name: "", mtimeSec: 0, ctimeSec: 0, device: 0, inodeLo: 0, inodeHi: 0, owners: new Map() };
}

/** Encodes the entries of a leaf one after the other. */
export class LeafWriter {
  readonly #writer = new ByteWriter(64 * 1024);
  #previous = nothingBefore();
  #count = 0;

  /** Entries added since the last `finish`. */
  get count(): number {
    return this.#count;
  }

  /** Bytes so far. */
  get bytes(): number {
    return this.#writer.length;
  }

  /** Adds the next entry in key order. */
  add(entry: Entry): void {
    const writer = this.#writer;
    const previous = this.#previous;
    const first = this.#count === 0;
    const owner = previous.owners.get(entry.type);
    let bits = 0;
    if (first || entry.dir !== previous.dir) bits |= has.dir;
    if (owner === undefined || owner.mode !== entry.mode || owner.uid !== entry.uid || owner.gid !== entry.gid) bits |= has.owner;
    if (entry.device !== previous.device) bits |= has.device;
    if (entry.type !== entryTypes.directory && entry.nlink !== 1) bits |= has.nlink;
    if (entry.btimeSec !== 0 || entry.btimeNsec !== 0) {
      bits |= entry.btimeSec === entry.ctimeSec && entry.btimeNsec === entry.ctimeNsec ? has.btimeIsCtime : has.btime;
    }
    if (entry.rdevMajor !== 0 || entry.rdevMinor !== 0) bits |= has.rdev;
    if (entry.flags !== 0) bits |= has.flags;
    if (entry.target !== undefined) bits |= has.target;
    if (entry.xattrs !== undefined) bits |= has.xattrs;
    if (entry.extents !== undefined) bits |= has.extents;
    if (entry.lists !== undefined) bits |= has.lists;
    if (entry.changed) bits |= has.changed;
    if (entry.error !== undefined) bits |= has.error;

    writer.u8(entry.type);
    writer.varint(bits);
    if (bits & has.dir) writeFrontCoded(writer, previous.dir, entry.dir);
    writeFrontCoded(writer, bits & has.dir ? "" : previous.name, entry.name);
    if (bits & has.owner) {
      writer.varint(entry.mode);
      writer.varint(entry.uid);
      writer.varint(entry.gid);
      previous.owners.set(entry.type, { mode: entry.mode, uid: entry.uid, gid: entry.gid });
    }
    if (bits & has.device) writer.varint(entry.device);
    if (bits & has.nlink) writer.varint(entry.nlink);
    writer.signedVarint(entry.mtimeSec - previous.mtimeSec);
    writer.varint(entry.mtimeNsec);
    writer.signedVarint(entry.ctimeSec - previous.ctimeSec);
    writer.varint(entry.ctimeNsec);
    if (bits & has.btime) {
      writer.signedVarint(entry.btimeSec - entry.ctimeSec);
      writer.varint(entry.btimeNsec);
    }
    writer.signedVarint(entry.inodeHi - previous.inodeHi);
    writer.signedVarint(entry.inodeLo - previous.inodeLo);
    if (bits & has.rdev) {
      writer.varint(entry.rdevMajor);
      writer.varint(entry.rdevMinor);
    }
    if (bits & has.flags) writer.varint(entry.flags);
    if (entry.target !== undefined) writeText(writer, entry.target);
    if (entry.xattrs !== undefined) {
      writer.varint(entry.xattrs.length);
      for (const [name, value] of entry.xattrs) {
        writeText(writer, name);
        writer.varint(value.byteLength);
        writer.raw(value);
      }
    }
    if (entry.type === entryTypes.file) this.#addContent(entry);
    if (entry.error !== undefined) writeText(writer, entry.error);
    previous.dir = entry.dir;
    previous.name = entry.name;
    previous.mtimeSec = entry.mtimeSec;
    previous.ctimeSec = entry.ctimeSec;
    previous.device = entry.device;
    previous.inodeHi = entry.inodeHi;
    previous.inodeLo = entry.inodeLo;
    this.#count++;
  }

  #addContent(entry: Entry): void {
    const writer = this.#writer;
    writer.varint(entry.size);
    if (entry.extents !== undefined) {
      writer.varint(entry.extents.length / 2);
      let at = 0;
      for (let index = 0; index < entry.extents.length; index += 2) {
        const offset = entry.extents[index] ?? 0;
        const length = entry.extents[index + 1] ?? 0;
        writer.varint(offset - at);
        writer.varint(length);
        at = offset + length;
      }
    }
    if (entry.lists !== undefined) {
      writer.varint(entry.lists.byteLength / listRowBytes);
      writer.raw(entry.lists);
      return;
    }
    const count = entry.chunks.byteLength / chunkRowBytes;
    writer.varint(count);
    if (count === 1) writer.raw(entry.chunks.subarray(0, 32));
    else writer.raw(entry.chunks);
  }

  /** The node with all entries added; the writer is empty again. */
  finish(): Uint8Array<ArrayBuffer> {
    const node = withHead(0, this.#count, this.#writer.view());
    this.#writer.reset();
    this.#previous = nothingBefore();
    this.#count = 0;
    return node;
  }
}

/** Encodes an inner node of `level` >= 1. */
export function encodeInnerNode(level: number, children: readonly TreeChild[]): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(children.length * 80);
  let lastDir = "";
  for (const child of children) {
    writer.raw(child.nodeId);
    writeFrontCoded(writer, lastDir, child.lastDir);
    writeText(writer, child.lastName);
    writer.varint(child.entries);
    writer.varint(child.totalBytes);
    lastDir = child.lastDir;
  }
  return withHead(level, children.length, writer.view());
}

/** A decoded node. */
export type TreeNode =
  | { readonly level: 0; readonly entries: readonly Entry[] }
  | { readonly level: number; readonly children: readonly TreeChild[] };

/** Decodes a node. @throws {HoldfastError} corrupt or incompatible */
export function decodeTreeNode(bytes: Uint8Array, subject: string): TreeNode {
  if (bytes.byteLength > formatLimits.treeNodeBytes) throw new HoldfastError("corrupt", `Cannot read ${subject}: it is too large`);
  const reader = new ByteReader(bytes, subject);
  checkVersion("treeNode", reader.u8(), subject);
  const level = reader.u8();
  const count = reader.varint();
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
    const dir = readFrontCoded(reader, lastDir, formatLimits.pathBytes);
    const name = readText(reader, formatLimits.nameBytes);
    if (index > 0 && compareEntryKeys(lastDir, lastName, dir, name) >= 0) reader.fail("has children out of order");
    children.push({ nodeId, lastDir: dir, lastName: name, entries: reader.varint(), totalBytes: reader.varint() });
    lastDir = dir;
    lastName = name;
  }
  return children;
}

function readEntries(reader: ByteReader, count: number): Entry[] {
  const entries: Entry[] = [];
  const previous = nothingBefore();
  for (let index = 0; index < count; index++) {
    const entry = readEntry(reader, previous, index === 0);
    if (index > 0 && compareEntryKeys(previous.dir, previous.name, entry.dir, entry.name) >= 0) reader.fail("has entries out of order");
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

function readEntry(reader: ByteReader, previous: Previous, first: boolean): Entry {
  const type = reader.u8();
  if (type < 1 || type > 7) reader.fail("holds an entry of unknown type");
  const bits = reader.varint();
  if (bits > allBits) reader.fail("holds an entry with unknown fields");
  if (first && !(bits & has.dir)) reader.fail("holds a first entry without its directory");
  const dir = bits & has.dir ? readFrontCoded(reader, previous.dir, formatLimits.pathBytes) : previous.dir;
  const name = readFrontCoded(reader, bits & has.dir ? "" : previous.name, formatLimits.nameBytes);
  const entry = emptyEntry(dir, name, type as Entry["type"]);
  if (bits & has.owner) {
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
  entry.device = bits & has.device ? reader.varint() : previous.device;
  if (bits & has.nlink) entry.nlink = reader.varint();
  entry.mtimeSec = previous.mtimeSec + reader.signedVarint();
  entry.mtimeNsec = reader.varint();
  entry.ctimeSec = previous.ctimeSec + reader.signedVarint();
  entry.ctimeNsec = reader.varint();
  if (bits & has.btime) {
    entry.btimeSec = entry.ctimeSec + reader.signedVarint();
    entry.btimeNsec = reader.varint();
  } else if (bits & has.btimeIsCtime) {
    entry.btimeSec = entry.ctimeSec;
    entry.btimeNsec = entry.ctimeNsec;
  }
  entry.inodeHi = previous.inodeHi + reader.signedVarint();
  entry.inodeLo = previous.inodeLo + reader.signedVarint();
  if (bits & has.rdev) {
    entry.rdevMajor = reader.varint();
    entry.rdevMinor = reader.varint();
  }
  if (bits & has.flags) entry.flags = reader.varint();
  if (bits & has.target) entry.target = readText(reader, formatLimits.pathBytes);
  if (bits & has.xattrs) entry.xattrs = readXattrs(reader);
  if (type === entryTypes.file) readContent(reader, entry, bits);
  else if (bits & (has.extents | has.lists)) reader.fail("holds content of something that is not a file");
  entry.changed = (bits & has.changed) !== 0;
  if (bits & has.error) entry.error = readText(reader, formatLimits.pathBytes);
  checkName(reader, entry);
  return entry;
}

function readContent(reader: ByteReader, entry: Entry, bits: number): void {
  entry.size = reader.varint();
  if (bits & has.extents) entry.extents = readExtents(reader, entry.size);
  const count = reader.varint();
  if (bits & has.lists) {
    entry.lists = reader.view(count * listRowBytes).slice();
    return;
  }
  if (count === 0) {
    entry.chunks = noChunks;
  } else if (count === 1) {
    const bytes = contentBytes(entry);
    if (bytes > formatLimits.blobBytes) reader.fail("holds a chunk that is too long");
    const row = new Uint8Array(chunkRowBytes);
    row.set(reader.view(32));
    new DataView(row.buffer).setUint32(32, bytes, true);
    entry.chunks = row;
  } else {
    entry.chunks = reader.view(count * chunkRowBytes).slice();
  }
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
    if (at > size) reader.fail("holds an extent beyond the end of its file");
    extents.push(offset, length);
  }
  return extents;
}

function readXattrs(reader: ByteReader): [string, Uint8Array][] {
  const count = reader.varint();
  if (count > reader.remaining) reader.fail("claims more attributes than it can hold");
  const xattrs: [string, Uint8Array][] = [];
  for (let index = 0; index < count; index++) {
    const name = readText(reader, formatLimits.nameBytes);
    xattrs.push([name, reader.view(reader.varint()).slice()]);
  }
  return xattrs;
}

/** Names come from a store that may be hostile: a name with a slash, "." or ".." would reach out of its directory. */
function checkName(reader: ByteReader, entry: Entry): void {
  const { name, dir } = entry;
  if (name === "" ? dir !== "" : name === "." || name === ".." || name.includes("/") || name.includes("\0")) {
    reader.fail("holds an entry whose name is not allowed");
  }
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

function withHead(level: number, count: number, items: Uint8Array): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(items.byteLength + 16);
  writer.u8(formatVersions.treeNode);
  writer.u8(level);
  writer.varint(count);
  writer.raw(items);
  return writer.toBytes();
}

function writeText(writer: ByteWriter, text: string): void {
  writer.varint(text.length);
  writer.latin1(text);
}

function readText(reader: ByteReader, maxBytes: number): string {
  const length = reader.varint();
  if (length > maxBytes) reader.fail("holds a text that is too long");
  return reader.latin1(length);
}

function writeFrontCoded(writer: ByteWriter, previous: string, text: string): void {
  const limit = Math.min(previous.length, text.length);
  let shared = 0;
  while (shared < limit && previous.charCodeAt(shared) === text.charCodeAt(shared)) shared++;
  writer.varint(shared);
  writer.varint(text.length - shared);
  writer.latin1(text, shared);
}

function readFrontCoded(reader: ByteReader, previous: string, maxBytes: number): string {
  const shared = reader.varint();
  const length = reader.varint();
  if (shared > previous.length || shared + length > maxBytes) reader.fail("holds a text that is too long");
  return shared === 0 ? reader.latin1(length) : previous.slice(0, shared) + reader.latin1(length);
}
