import { crc32 } from "node:zlib";
import type { View, ViewEntry } from "#shared/view/view.ts";
import { HoldfastError } from "#shared/errors.ts";
import { archiveEntries, MissingEntries, missingName } from "./archive-entries.ts";
import {
  blockBytesMax,
  blockHeader,
  centralHeader,
  dataDescriptor,
  localHeader,
  packedBytes,
  type ZipMember,
  zipEnd,
} from "./zip-records.ts";

/** Bytes of the directory at the end of a zip that are kept until it is written. */
const directoryBytesMax = 256 * 1024 * 1024;

const fileBits = 0o100000;
const directoryBits = 0o040000;
const linkBits = 0o120000;

/**
 * A directory and all below it as a zip, nothing compressed: modes, owners, times to the second, symbolic links. Each name of a file with several gets
 * the content; devices and the like are named in a text file at the end. Streams; holds a chunk, and about 100 bytes and the name of each
 * entry for the directory at the end.
 *
 * @param top - the name of the directory in the archive
 * @throws {HoldfastError} invalid: too many entries for a zip of this gateway; take a tar
 */
export async function* zipDirectory(view: View, directory: ViewEntry, top: string): AsyncGenerator<Uint8Array> {
  const missing = new MissingEntries();
  const central: Buffer[] = [];
  let centralBytes = 0;
  let offsetBytes = 0;
  const close = (member: ZipMember): void => {
    const record = centralHeader(member);
    centralBytes += record.byteLength;
    if (centralBytes > directoryBytesMax) {
      throw new HoldfastError("invalid", "Cannot make a zip of so many entries", { hint: "Take a tar." });
    }
    central.push(record);
  };
  async function* small(
    member: Omit<ZipMember, "crc" | "offsetBytes" | "hasDescriptor" | "sizeBytes">,
    content: Buffer,
  ) {
    const whole = { ...member, sizeBytes: content.byteLength, crc: crc32(content), offsetBytes, hasDescriptor: false };
    const record = Buffer.concat([localHeader(whole), content]);
    offsetBytes += record.byteLength;
    close(whole);
    yield record;
  }
  for await (const { entry, path } of archiveEntries(view, directory, top)) {
    const { type, mode, uid, gid, mtimeSec, sizeBytes, error } = entry;
    const common = { uid, gid, mtimeSec };
    if (type === "directory") {
      yield* small({ ...common, path: `${path}/`, unixMode: directoryBits | mode }, Buffer.alloc(0));
    } else if (type === "symlink") {
      yield* small({ ...common, path, unixMode: linkBits | 0o777 }, Buffer.from(entry.target ?? "", "latin1"));
    } else if (type !== "file") missing.add(path, `is a ${type}, which a zip cannot hold`);
    else if (error !== undefined) missing.add(path, error);
    else {
      const member = {
        ...common,
        path,
        unixMode: fileBits | mode,
        sizeBytes,
        offsetBytes,
        hasDescriptor: true,
        crc: 0,
      };
      const header = localHeader(member);
      yield header;
      let crc = 0;
      for await (const part of inBlocks(view.open(entry), sizeBytes, (content) => (crc = crc32(content, crc))))
        yield part;
      const descriptor = dataDescriptor({ ...member, crc });
      yield descriptor;
      offsetBytes += header.byteLength + packedBytes(member) + descriptor.byteLength;
      close({ ...member, crc });
    }
  }
  const { content } = missing;
  if (content !== undefined) {
    const told = { uid: 0, gid: 0, mtimeSec: directory.mtimeSec, unixMode: fileBits | 0o644 };
    yield* small({ ...told, path: `${top}/${missingName}` }, content);
  }
  const directoryOffsetBytes = offsetBytes;
  const records = central.length;
  for (let at = 0; at < central.length; at += 1000) yield Buffer.concat(central.slice(at, at + 1000));
  yield zipEnd(records, directoryOffsetBytes, centralBytes);
}

/** Content of a known size as stored blocks of Deflate. @param see - is shown each part of the content */
async function* inBlocks(
  content: AsyncIterable<Uint8Array>,
  sizeBytes: number,
  see: (part: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  let left = sizeBytes;
  let ofBlock = 0;
  if (sizeBytes === 0) yield blockHeader(0, true);
  for await (const part of content) {
    see(part);
    for (let at = 0; at < part.byteLength;) {
      if (ofBlock === 0) {
        ofBlock = Math.min(blockBytesMax, left);
        yield blockHeader(ofBlock, ofBlock === left);
      }
      const piece = part.subarray(at, at + ofBlock);
      yield piece;
      at += piece.byteLength;
      ofBlock -= piece.byteLength;
      left -= piece.byteLength;
    }
  }
}
