import { isUtf8 } from "node:buffer";

/** A file of a zip as its records tell of it. */
export type ZipMember = {
  /** A binary string; of directories with a closing slash. */
  readonly path: string;
  /** Type and permission bits as `st_mode` has them. */
  readonly unixMode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSec: number;
  readonly sizeBytes: number;
  /** CRC-32 of the content, once it is known. */
  readonly crc: number;
  /** Where its local header begins. */
  readonly offsetBytes: number;
  /**
   * Whether the CRC follows the content instead of standing before it. The content is then in the stored blocks of Deflate, which tell where it
   * ends: readers of streams need that.
   */
  readonly hasDescriptor: boolean;
};

const plainVersion = 20;
const zip64Version = 45;
const deflated = 8;
const entriesMax = 0xff_ff;
/** Bytes of a stored block of Deflate, and those before it. */
export const blockBytesMax = 65_535;
const blockHeaderBytes = 5;
const unixOs = 3;
const max32 = 0xff_ff_ff_ff;

/** What stands before a stored block of Deflate. @see RFC 1951, 3.2.4 */
export function blockHeader(bytes: number, isLast: boolean): Buffer {
  const header = Buffer.alloc(blockHeaderBytes);
  header[0] = isLast ? 1 : 0;
  header.writeUInt16LE(bytes, 1);
  header.writeUInt16LE(bytes ^ 0xff_ff, 3);
  return header;
}

/** Bytes that the content takes in the archive: known before it is read, since nothing is compressed. */
export function packedBytes({ sizeBytes, hasDescriptor }: Pick<ZipMember, "sizeBytes" | "hasDescriptor">): number {
  return hasDescriptor ? sizeBytes + blockHeaderBytes * Math.max(1, Math.ceil(sizeBytes / blockBytesMax)) : sizeBytes;
}

/** Whether sizes need 64 bits: many readers know no zip64, so that it is used only where it must be. */
function isLarge(member: ZipMember): boolean {
  return packedBytes(member) >= max32;
}

/** The record before the content. Sizes are told where they are known to the last byte: nothing is compressed. */
export function localHeader(member: ZipMember): Buffer {
  const name = Buffer.from(member.path, "latin1");
  const packed = packedBytes(member);
  const large = isLarge(member);
  const extra = Buffer.concat([
    zip64Extra(large ? [member.sizeBytes, packed] : []),
    timeExtra(member),
    ownerExtra(member),
  ]);
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04_03_4b_50, 0);
  header.writeUInt16LE(large ? zip64Version : plainVersion, 4);
  header.writeUInt16LE(flagsOf(member, name), 6);
  header.writeUInt16LE(member.hasDescriptor ? deflated : 0, 8);
  dosTime(header, 10, member.mtimeSec);
  header.writeUInt32LE(member.hasDescriptor ? 0 : member.crc, 14);
  header.writeUInt32LE(large ? max32 : packed, 18);
  header.writeUInt32LE(large ? max32 : member.sizeBytes, 22);
  header.writeUInt16LE(name.byteLength, 26);
  header.writeUInt16LE(extra.byteLength, 28);
  return Buffer.concat([header, name, extra]);
}

/** The record after the content, with its CRC and its sizes. */
export function dataDescriptor(member: ZipMember): Buffer {
  const large = isLarge(member);
  const record = Buffer.alloc(large ? 24 : 16);
  record.writeUInt32LE(0x08_07_4b_50, 0);
  record.writeUInt32LE(member.crc, 4);
  if (large) {
    record.writeBigUInt64LE(BigInt(packedBytes(member)), 8);
    record.writeBigUInt64LE(BigInt(member.sizeBytes), 16);
  } else {
    record.writeUInt32LE(packedBytes(member), 8);
    record.writeUInt32LE(member.sizeBytes, 12);
  }
  return record;
}

/** The record of a member in the directory at the end. */
export function centralHeader(member: ZipMember): Buffer {
  const name = Buffer.from(member.path, "latin1");
  const packed = packedBytes(member);
  const large = isLarge(member);
  const isFar = member.offsetBytes >= max32;
  const extra = Buffer.concat([
    zip64Extra([...(large ? [member.sizeBytes, packed] : []), ...(isFar ? [member.offsetBytes] : [])]),
    timeExtra(member),
    ownerExtra(member),
  ]);
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02_01_4b_50, 0);
  const version = large || isFar ? zip64Version : plainVersion;
  header.writeUInt16LE((unixOs << 8) | version, 4);
  header.writeUInt16LE(version, 6);
  header.writeUInt16LE(flagsOf(member, name), 8);
  header.writeUInt16LE(member.hasDescriptor ? deflated : 0, 10);
  dosTime(header, 12, member.mtimeSec);
  header.writeUInt32LE(member.crc, 16);
  header.writeUInt32LE(large ? max32 : packed, 20);
  header.writeUInt32LE(large ? max32 : member.sizeBytes, 24);
  header.writeUInt16LE(name.byteLength, 28);
  header.writeUInt16LE(extra.byteLength, 30);
  header.writeUInt32LE(((member.unixMode << 16) | (member.path.endsWith("/") ? 0x10 : 0)) >>> 0, 38);
  header.writeUInt32LE(isFar ? max32 : member.offsetBytes, 42);
  return Buffer.concat([header, name, extra]);
}

/** The records that end a zip. */
export function zipEnd(members: number, directoryOffsetBytes: number, directoryBytes: number): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06_05_4b_50, 0);
  end.writeUInt16LE(Math.min(members, entriesMax), 8);
  end.writeUInt16LE(Math.min(members, entriesMax), 10);
  end.writeUInt32LE(Math.min(directoryBytes, max32), 12);
  end.writeUInt32LE(Math.min(directoryOffsetBytes, max32), 16);
  const needs64 = members >= entriesMax || directoryBytes >= max32 || directoryOffsetBytes >= max32;
  return needs64 ? Buffer.concat([zip64End(members, directoryOffsetBytes, directoryBytes), end]) : end;
}

function zip64End(members: number, directoryOffsetBytes: number, directoryBytes: number): Buffer {
  const end = Buffer.alloc(56 + 20);
  end.writeUInt32LE(0x06_06_4b_50, 0);
  end.writeBigUInt64LE(44n, 4);
  end.writeUInt16LE((unixOs << 8) | zip64Version, 12);
  end.writeUInt16LE(zip64Version, 14);
  end.writeBigUInt64LE(BigInt(members), 24);
  end.writeBigUInt64LE(BigInt(members), 32);
  end.writeBigUInt64LE(BigInt(directoryBytes), 40);
  end.writeBigUInt64LE(BigInt(directoryOffsetBytes), 48);
  end.writeUInt32LE(0x07_06_4b_50, 56);
  end.writeBigUInt64LE(BigInt(directoryOffsetBytes + directoryBytes), 64);
  end.writeUInt32LE(1, 72);
  return end;
}

/** Bit 3: a descriptor follows. Bit 11: the name is UTF-8. */
function flagsOf(member: ZipMember, name: Buffer): number {
  return (member.hasDescriptor ? 0x08 : 0) | (isUtf8(name) ? 0x0800 : 0);
}

function zip64Extra(values: readonly number[]): Buffer {
  if (values.length === 0) return Buffer.alloc(0);
  const extra = Buffer.alloc(4 + values.length * 8);
  extra.writeUInt16LE(0x00_01, 0);
  extra.writeUInt16LE(values.length * 8, 2);
  for (const [index, value] of values.entries()) extra.writeBigUInt64LE(BigInt(value), 4 + index * 8);
  return extra;
}

/** Time of modification in seconds since 1970, where 32 bits hold it. */
function timeExtra({ mtimeSec }: ZipMember): Buffer {
  if (mtimeSec < -(2 ** 31) || mtimeSec >= 2 ** 31) return Buffer.alloc(0);
  const extra = Buffer.alloc(9);
  extra.writeUInt16LE(0x54_55, 0);
  extra.writeUInt16LE(5, 2);
  extra[4] = 1;
  extra.writeInt32LE(mtimeSec, 5);
  return extra;
}

function ownerExtra({ uid, gid }: ZipMember): Buffer {
  const extra = Buffer.alloc(15);
  extra.writeUInt16LE(0x78_75, 0);
  extra.writeUInt16LE(11, 2);
  extra[4] = 1;
  extra[5] = 4;
  extra.writeUInt32LE(uid, 6);
  extra[10] = 4;
  extra.writeUInt32LE(gid, 11);
  return extra;
}

/** The time that every reader understands: two seconds exact, from 1980 to 2107, here in UTC. */
function dosTime(header: Buffer, at: number, seconds: number): void {
  const time = new Date(Math.max(Date.UTC(1980, 0, 1), Math.min(Date.UTC(2107, 11, 31), seconds * 1000)));
  header.writeUInt16LE((time.getUTCHours() << 11) | (time.getUTCMinutes() << 5) | (time.getUTCSeconds() >> 1), at);
  header.writeUInt16LE(
    ((time.getUTCFullYear() - 1980) << 9) | ((time.getUTCMonth() + 1) << 5) | time.getUTCDate(),
    at + 2,
  );
}
