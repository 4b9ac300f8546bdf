import { readFileSync, statSync } from "node:fs";
import { crc32 } from "node:zlib";
import { replacePrivateFile } from "#agent/config/replace-private-file.ts";

/** What is kept of compiled code: by which run it was made, of which file, and the code. */
export type KeptCode = {
  /** Which run of the command in a row made it, from 1 on. */
  readonly generation: number;
  readonly code: Buffer;
};

const magic = Buffer.from("HFCODE\0\x01", "latin1");
/** Magic 8, generation u32, CRC-32 of all behind it u32, length of the identity u32. */
const headerBytes = 20;
const codeMaxBytes = 64 * 1024 * 1024;

/**
 * What tells one content of a file from another, as far as the filesystem knows: its place, length, inode and the time of its last change of
 * any kind, which nobody can set.
 *
 * @throws what `statSync` throws
 */
export function fileIdentity(path: string): string {
  const { dev, ino, size, ctimeNs, mtimeNs } = statSync(path, { bigint: true });
  return [path, dev, ino, size, ctimeNs, mtimeNs].join("\n");
}

/**
 * Reads what `writeKeptCode` wrote. A file of another identity, one that is damaged, or none, is undefined: V8 itself looks at the code only as
 * far as it must to tell its own version and flags.
 */
export function readKeptCode(path: string, identity: string): KeptCode | undefined {
  try {
    if (statSync(path).size > codeMaxBytes) return undefined;
    const bytes = readFileSync(path);
    if (bytes.length < headerBytes || !bytes.subarray(0, magic.length).equals(magic)) return undefined;
    if (crc32(bytes.subarray(16)) !== bytes.readUInt32LE(12)) return undefined;
    const codeAt = headerBytes + bytes.readUInt32LE(16);
    if (bytes.toString("utf8", headerBytes, codeAt) !== identity) return undefined;
    // In memory of its own: V8 reads words.
    return { generation: bytes.readUInt32LE(8), code: Buffer.from(bytes.subarray(codeAt)) };
  } catch {
    return undefined;
  }
}

/** Keeps compiled code in a file that only this user can read. What goes wrong is not told: the next run compiles again. */
export function writeKeptCode(path: string, identity: string, { generation, code }: KeptCode): void {
  const name = Buffer.from(identity, "utf8");
  const bytes = Buffer.concat([magic, Buffer.alloc(12), name, code]);
  bytes.writeUInt32LE(generation, 8);
  bytes.writeUInt32LE(name.length, 16);
  bytes.writeUInt32LE(crc32(bytes.subarray(16)), 12);
  try {
    replacePrivateFile(path, bytes);
  } catch {
    // There is no place for it.
  }
}
