import { ByteWriter } from "#shared/bytes/byte-writer.ts";
import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { entryTypes } from "#shared/format/entry.ts";
import { entryFields } from "#shared/format/entry-fields.ts";
import { encodeTreeNode } from "#shared/format/tree-node.ts";
import { chunkMac } from "./fixed-store.testing.ts";
import { withBytes } from "./spoil.testing.ts";
import { refused, seededBytes, success, type Vector } from "./vector.testing.ts";

/** Rows of chunks named by what they would hold. */
export function chunkRows(...lengths: readonly number[]): Uint8Array {
  return concatBytes(
    ...lengths.flatMap((length, index) => [
      chunkMac.digest(seededBytes(`holdfast vectors, chunk ${index}`, 16)),
      u32(length),
    ]),
  );
}

/** The bytes of one entry, field by field, so that each can be wrong. */
type RawEntry = Partial<{
  type: number;
  fields: number;
  dir: string;
  name: string;
  mode: number;
  nsec: number;
  inodeHi: number;
  rest: (writer: ByteWriter) => void;
}>;

function rawEntry(writer: ByteWriter, raw: RawEntry): void {
  const fields = raw.fields ?? entryFields.dir | entryFields.owner;
  const { dir = "", name = "a" } = raw;
  writer.u8(raw.type ?? entryTypes.fifo);
  writer.varint(fields);
  if (fields & entryFields.dir) writeText(writer, dir);
  writeText(writer, name);
  if (fields & entryFields.owner) for (const each of [raw.mode ?? 0o644, 0, 0]) writer.varint(each);
  for (const each of [0, raw.nsec ?? 0, 0, 0, 2 * (raw.inodeHi ?? 0), 0]) writer.varint(each);
  raw.rest?.(writer);
}

function writeText(writer: ByteWriter, text: string): void {
  writer.varint(0);
  writer.varint(text.length);
  writer.latin1(text);
}

function rawLeaf(...entries: readonly RawEntry[]): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  for (const entry of entries) rawEntry(writer, entry);
  return encodeTreeNode(0, entries.length, writer.view());
}

/** Leaves that a reader must refuse, each for one reason, beside one that is made the same way and right. */
export function refusedLeaves(): Vector[] {
  const good = rawLeaf({});
  const { dir, owner } = entryFields;
  const bad = (
    name: string,
    about: string,
    bytes: Uint8Array,
    expect: "corrupt" | "incompatible" = "corrupt",
  ): Vector => refused("tree-node", name, about, expect, bytes);
  const file = (about: string, name: string, rest: (writer: ByteWriter) => void, fields = 0): Vector =>
    bad(name, about, rawLeaf({ type: entryTypes.file, fields: dir | owner | fields, rest }));
  const named = (name: string): Uint8Array => rawLeaf({ name });
  const below = (directoryName: string): Uint8Array => rawLeaf({ dir: directoryName });
  const numbers =
    (...values: readonly number[]) =>
    (writer: ByteWriter): void =>
      values.forEach((each) => writer.varint(each));
  return [
    success("tree-node", "hand-made", "A leaf as the refused ones are made, with nothing wrong.", {}, encodeHex(good)),
    bad("newer-version", "Version 2.", withBytes(good, 0, [2]), "incompatible"),
    bad("version-zero", "Version 0.", withBytes(good, 0, [0])),
    bad("truncated", "The last byte is missing.", good.slice(0, -1)),
    bad("trailing-byte", "A byte follows the node.", concatBytes(good, Uint8Array.of(0))),
    bad("no-entries", "A leaf of nothing.", encodeTreeNode(0, 0, new Uint8Array(0))),
    bad("oversized-count", "It claims more entries than it has bytes.", encodeTreeNode(0, 2 ** 40, good.subarray(3))),
    bad("count-too-high", "It claims one entry more than it holds.", withBytes(good, 2, [2])),
    bad("name-dot", 'A name is ".".', named(".")),
    bad("name-dot-dot", 'A name is "..".', named("..")),
    bad("name-slash", "A name has a slash.", named("a/b")),
    bad("name-zero-byte", "A name has a zero byte.", named("a\0b")),
    bad("name-empty", "A name is empty, and it is not the root.", rawLeaf({ dir: "d", name: "" })),
    bad("name-too-long", "A name is longer than names may be.", named("n".repeat(4097))),
    bad("directory-dot-dot", 'A directory is "..".', below("..")),
    bad("directory-climbs", "A directory climbs.", below("a/../../b")),
    bad("directory-absolute", "A directory begins with a slash.", below("/etc")),
    bad("directory-empty-part", "A directory has an empty part.", below("a//b")),
    bad("directory-ends-with-slash", "A directory ends with a slash.", below("a/")),
    bad("directory-zero-byte", "A directory has a zero byte.", below("a\0")),
    bad("out-of-order", "The second name is less than the first.", rawLeaf({ name: "b" }, { name: "a", fields: 0 })),
    bad("twice", "Two entries have one name.", rawLeaf({ name: "a" }, { name: "a", fields: 0 })),
    bad(
      "directories-out-of-order",
      "The second directory is less than the first: a/b comes before a-b.",
      rawLeaf({ dir: "a-b" }, { dir: "a/b", fields: dir }),
    ),
    bad("unknown-type", "A type that there is not.", rawLeaf({ type: 8 })),
    bad("type-zero", "Type 0.", rawLeaf({ type: 0 })),
    bad("unknown-field", "A field that this version does not have.", rawLeaf({ fields: dir | owner | (1 << 14) })),
    bad("no-directory", "The first entry has no directory.", rawLeaf({ fields: owner })),
    bad("no-owner", "The first entry of its type has no owner.", rawLeaf({ fields: dir })),
    bad("shared-prefix-too-long", "A name shares more bytes than the one before has.", withBytes(good, 7, [1])),
    bad(
      "long-varint",
      "A number takes two bytes where one would do.",
      concatBytes(good.subarray(0, 2), Uint8Array.of(0x81, 0x00), good.subarray(3)),
    ),
    bad(
      "huge-varint",
      "A number is above 2^53.",
      concatBytes(good.subarray(0, 2), new Uint8Array(9).fill(0xff), Uint8Array.of(1)),
    ),
    bad("endless-varint", "A number does not end.", concatBytes(good.subarray(0, 2), new Uint8Array(64).fill(0xff))),
    bad("mode-too-high", "The mode has bits of the type.", rawLeaf({ mode: 0o100644 })),
    bad("nanoseconds-too-high", "A second has a thousand million nanoseconds.", rawLeaf({ nsec: 1_000_000_000 })),
    bad("inode-too-high", "Half an inode number does not fit 32 bits.", rawLeaf({ inodeHi: 2 ** 32 })),
    bad("time-too-far", "A time is beyond 2^50 seconds.", farTime()),
    bad(
      "two-births",
      "Two times of birth.",
      rawLeaf({ fields: dir | owner | entryFields.btime | entryFields.btimeIsCtime, rest: numbers(0, 0) }),
    ),
    bad(
      "extents-of-fifo",
      "Something that is no file has extents.",
      rawLeaf({ fields: dir | owner | entryFields.extents, rest: numbers(0, 0, 0) }),
    ),
    bad(
      "target-zero-byte",
      "A target has a zero byte.",
      rawLeaf({
        type: entryTypes.symlink,
        fields: dir | owner | entryFields.target,
        rest: (writer) => (writer.varint(2), writer.latin1("a\0")),
      }),
    ),
    bad("attributes-out-of-order", "Attributes do not ascend.", attributeLeaf("user.b", "user.a")),
    bad("attribute-twice", "An attribute comes twice.", attributeLeaf("user.a", "user.a")),
    bad("attribute-zero-byte", "The name of an attribute has a zero byte.", attributeLeaf("user.a\0", "user.b")),
    bad(
      "attributes-oversized-count",
      "It claims more attributes than it has bytes.",
      rawLeaf({ fields: dir | owner | entryFields.xattrs, rest: numbers(2 ** 50) }),
    ),
    file("It claims more chunks than it has bytes.", "chunks-oversized-count", numbers(100, 2 ** 45)),
    file(
      "The chunk is longer than a blob may be.",
      "chunk-too-long",
      (writer) => (numbers(2 ** 33, 1)(writer), writer.raw(new Uint8Array(32))),
    ),
    file(
      "The chunks are longer than the file.",
      "chunks-longer-than-file",
      (writer) => (numbers(11, 2)(writer), writer.raw(chunkRows(9, 3))),
    ),
    file(
      "The chunks are shorter than the file.",
      "chunks-shorter-than-file",
      (writer) => (numbers(13, 2)(writer), writer.raw(chunkRows(9, 3))),
    ),
    file("A file with content has no chunks.", "no-chunks", numbers(13, 0)),
    file("A chunk has no bytes.", "chunk-empty", (writer) => (numbers(9, 2)(writer), writer.raw(chunkRows(9, 0)))),
    file(
      "The lists are longer than the file.",
      "lists-longer-than-file",
      (writer) => (numbers(4, 1)(writer), writer.raw(new Uint8Array(32)), writer.raw(u64(5))),
      entryFields.lists,
    ),
    file("A data range ends beyond the file.", "extent-beyond-end", numbers(10, 1, 5, 6, 0), entryFields.extents),
    file("A data range has no bytes.", "extent-empty", numbers(10, 1, 5, 0, 0), entryFields.extents),
    file(
      "It claims more data ranges than it has bytes.",
      "extents-oversized-count",
      numbers(10, 2 ** 40),
      entryFields.extents,
    ),
  ];
}

function attributeLeaf(first: string, second: string): Uint8Array {
  return rawLeaf({
    fields: entryFields.dir | entryFields.owner | entryFields.xattrs,
    rest: (writer) => {
      writer.varint(2);
      for (const name of [first, second]) {
        writer.varint(name.length);
        writer.latin1(name);
        writer.varint(0);
      }
    },
  });
}

/** Two entries whose times add up to more than a time may be. */
function farTime(): Uint8Array {
  const writer = new ByteWriter();
  writer.u8(entryTypes.fifo);
  writer.varint(entryFields.dir | entryFields.owner);
  writeText(writer, "");
  writeText(writer, "a");
  for (const each of [0o644, 0, 0]) writer.varint(each);
  writer.signedVarint(2 ** 50 + 1);
  for (const each of [0, 0, 0, 0, 0]) writer.varint(each);
  return encodeTreeNode(0, 1, writer.view());
}

function u32(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function u64(value: number): Uint8Array<ArrayBuffer> {
  return concatBytes(u32(value % 2 ** 32), u32(Math.floor(value / 2 ** 32)));
}
