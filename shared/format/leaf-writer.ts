import { ByteWriter } from "#shared/bytes/byte-writer.ts";
import { HoldfastError } from "#shared/errors.ts";
import { chunkRowBytes, type Entry, entryTypes, listRowBytes } from "./entry.ts";
import { entryFields } from "./entry-fields.ts";
import { noEntryBefore } from "./entry-before.ts";
import { formatLimits } from "./limits.ts";
import { nodeText } from "./node-text.ts";
import { encodeTreeNode } from "./tree-node.ts";

/** Encodes the entries of a leaf one after the other. */
export class LeafWriter {
  readonly #writer = new ByteWriter(64 * 1024);
  #previous = noEntryBefore();
  #count = 0;

  /** Entries added since the last `finish`. */
  get count(): number {
    return this.#count;
  }

  /** Bytes so far. */
  get bytes(): number {
    return this.#writer.length;
  }

  /** Adds the next entry in key order. @throws {HoldfastError} internal: a number that no reader would take */
  add(entry: Entry): void {
    requireStorable(entry);
    const writer = this.#writer;
    const previous = this.#previous;
    const first = this.#count === 0;
    const owner = previous.owners.get(entry.type);
    let bits = 0;
    if (first || entry.dir !== previous.dir) bits |= entryFields.dir;
    if (owner === undefined || owner.mode !== entry.mode || owner.uid !== entry.uid || owner.gid !== entry.gid)
      bits |= entryFields.owner;
    if (entry.device !== previous.device) bits |= entryFields.device;
    if (entry.type !== entryTypes.directory && entry.nlink !== 1) bits |= entryFields.nlink;
    if (entry.btimeSec !== 0 || entry.btimeNsec !== 0) {
      bits |=
        entry.btimeSec === entry.ctimeSec && entry.btimeNsec === entry.ctimeNsec
          ? entryFields.btimeIsCtime
          : entryFields.btime;
    }
    if (entry.rdevMajor !== 0 || entry.rdevMinor !== 0) bits |= entryFields.rdev;
    if (entry.flags !== 0) bits |= entryFields.flags;
    if (entry.target !== undefined) bits |= entryFields.target;
    if (entry.xattrs !== undefined) bits |= entryFields.xattrs;
    if (entry.extents !== undefined) bits |= entryFields.extents;
    if (entry.lists !== undefined) bits |= entryFields.lists;
    if (entry.changed) bits |= entryFields.changed;
    if (entry.error !== undefined) bits |= entryFields.error;

    writer.u8(entry.type);
    writer.varint(bits);
    if (bits & entryFields.dir) nodeText.writeFrontCoded(writer, previous.dir, entry.dir);
    nodeText.writeFrontCoded(writer, bits & entryFields.dir ? "" : previous.name, entry.name);
    if (bits & entryFields.owner) {
      writer.varint(entry.mode);
      writer.varint(entry.uid);
      writer.varint(entry.gid);
      previous.owners.set(entry.type, { mode: entry.mode, uid: entry.uid, gid: entry.gid });
    }
    if (bits & entryFields.device) writer.varint(entry.device);
    if (bits & entryFields.nlink) writer.varint(entry.nlink);
    writer.signedVarint(entry.mtimeSec - previous.mtimeSec);
    writer.varint(entry.mtimeNsec);
    writer.signedVarint(entry.ctimeSec - previous.ctimeSec);
    writer.varint(entry.ctimeNsec);
    if (bits & entryFields.btime) {
      writer.signedVarint(entry.btimeSec - entry.ctimeSec);
      writer.varint(entry.btimeNsec);
    }
    writer.signedVarint(entry.inodeHi - previous.inodeHi);
    writer.signedVarint(entry.inodeLo - previous.inodeLo);
    if (bits & entryFields.rdev) {
      writer.varint(entry.rdevMajor);
      writer.varint(entry.rdevMinor);
    }
    if (bits & entryFields.flags) writer.varint(entry.flags);
    if (entry.target !== undefined) nodeText.write(writer, entry.target);
    if (entry.xattrs !== undefined) {
      writer.varint(entry.xattrs.length);
      for (const [name, value] of entry.xattrs) {
        nodeText.write(writer, name);
        writer.varint(value.byteLength);
        writer.raw(value);
      }
    }
    if (entry.type === entryTypes.file) this.#addContent(entry);
    if (entry.error !== undefined) nodeText.write(writer, entry.error);
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
    const node = encodeTreeNode(0, this.#count, this.#writer.view());
    this.#writer.reset();
    this.#previous = noEntryBefore();
    this.#count = 0;
    return node;
  }
}

function requireStorable({ mtimeSec, ctimeSec, btimeSec, size }: Entry): void {
  const limit = formatLimits.timeSeconds;
  if (
    Math.abs(mtimeSec) <= limit &&
    Math.abs(ctimeSec) <= limit &&
    Math.abs(btimeSec) <= limit &&
    Number.isSafeInteger(size)
  )
    return;
  throw new HoldfastError("internal", "Cannot write an entry: a time or a size is beyond what the format holds");
}
