import { isUtf8 } from "node:buffer";
import { aclText } from "./acl-text.ts";
import type { ViewEntry } from "#shared/view/view.ts";

/** The size of a block. */
export const tarBlockBytes = 512;

/** What a header says. Names are binary strings. */
export type TarHeader = {
  readonly path: string;
  readonly kind: "file" | "link" | "symlink" | "characterDevice" | "blockDevice" | "directory" | "fifo";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly user?: string | undefined;
  readonly group?: string | undefined;
  readonly sizeBytes: number;
  readonly mtimeSec: number;
  readonly mtimeNsec: number;
  readonly target?: string | undefined;
  readonly device?: { readonly major: number; readonly minor: number } | undefined;
  readonly xattrs?: readonly (readonly [name: string, value: Uint8Array])[] | undefined;
};

const kinds: Readonly<Record<TarHeader["kind"], string>> = {
  file: "0",
  link: "1",
  symlink: "2",
  characterDevice: "3",
  blockDevice: "4",
  directory: "5",
  fifo: "6",
};

/** A header of the pax format: an extended header where the plain one cannot hold everything, and the plain one. @see POSIX.1-2017, pax */
export function tarHeader(header: TarHeader): Uint8Array {
  const path = header.kind === "directory" ? `${header.path}/` : header.path;
  const records = paxRecords(header, path);
  const plain = plainHeader(header, path, kinds[header.kind]);
  if (records.length === 0) return plain;
  const body = Buffer.concat(records);
  const extended = plainHeader(
    { ...header, kind: "file", sizeBytes: body.byteLength, target: undefined, mode: 0o600, mtimeSec: 0 },
    "PaxHeaders/entry",
    "x",
  );
  return Buffer.concat([extended, body, padding(body.byteLength), plain]);
}

/** The zeros after `sizeBytes` of content. */
export function padding(sizeBytes: number): Uint8Array {
  return new Uint8Array((tarBlockBytes - (sizeBytes % tarBlockBytes)) % tarBlockBytes);
}

/** The header of an entry as a tar shows it; undefined: tar has no word for it (sockets). */
export function tarHeaderOf(entry: ViewEntry, path: string): TarHeader | undefined {
  const { type, mode, uid, gid, user, group, mtimeSec, mtimeNsec, target, place } = entry;
  if (type === "socket") return undefined;
  const sizeBytes = type === "file" ? entry.sizeBytes : 0;
  const raw = place?.entry;
  const device =
    raw !== undefined && (type === "characterDevice" || type === "blockDevice")
      ? { major: raw.rdevMajor, minor: raw.rdevMinor }
      : undefined;
  const common = { path, mode, uid, gid, user, group, sizeBytes, mtimeSec, mtimeNsec, xattrs: raw?.xattrs, device };
  return { ...common, kind: type, target: type === "symlink" ? target : undefined };
}

function plainHeader(header: TarHeader, path: string, typeflag: string): Buffer {
  const block = Buffer.alloc(tarBlockBytes);
  const { name, prefix } = splitPath(path) ?? { name: path.slice(0, 100), prefix: "" };
  block.write(name, 0, 100, "latin1");
  octal(block, 100, 8, header.mode);
  octal(block, 108, 8, header.uid);
  octal(block, 116, 8, header.gid);
  octal(block, 124, 12, header.sizeBytes);
  octal(block, 136, 12, header.mtimeSec);
  block.write("        ", 148, 8, "latin1");
  block.write(typeflag, 156, 1, "latin1");
  block.write((header.target ?? "").slice(0, 100), 157, 100, "latin1");
  block.write("ustar\x0000", 257, 8, "latin1");
  block.write((header.user ?? "").slice(0, 31), 265, 31, "utf8");
  block.write((header.group ?? "").slice(0, 31), 297, 31, "utf8");
  if (header.device !== undefined) {
    octal(block, 329, 8, header.device.major);
    octal(block, 337, 8, header.device.minor);
  }
  block.write(prefix, 345, 155, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, 8, "latin1");
  return block;
}

/** A number in octal where it fits, else 0: then an extended record holds it. */
function octal(block: Buffer, at: number, widthBytes: number, value: number): void {
  const fits = Number.isInteger(value) && value >= 0 && value < 8 ** (widthBytes - 1);
  block.write((fits ? value : 0).toString(8).padStart(widthBytes - 1, "0"), at, widthBytes - 1, "latin1");
}

function splitPath(path: string): { name: string; prefix: string } | undefined {
  if (path.length <= 100) return { name: path, prefix: "" };
  for (let slash = path.lastIndexOf("/", 155); slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
    if (path.length - slash - 1 > 100) return undefined;
    if (slash < path.length - 1) return { name: path.slice(slash + 1), prefix: path.slice(0, slash) };
  }
  return undefined;
}

function isPlain(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text);
}

function paxRecords(header: TarHeader, path: string): Buffer[] {
  const records: Buffer[] = [];
  const add = (key: string, value: Uint8Array | string): void => void records.push(paxRecord(key, value));
  const names = [path, header.target ?? ""].map((text) => Buffer.from(text, "latin1"));
  if (names.some((name) => !isUtf8(name))) add("hdrcharset", "BINARY");
  if (!isPlain(path) || splitPath(path) === undefined) add("path", Buffer.from(path, "latin1"));
  const { target, uid, gid, sizeBytes, mtimeSec, mtimeNsec, user, group } = header;
  if (target !== undefined && (!isPlain(target) || target.length > 100)) add("linkpath", Buffer.from(target, "latin1"));
  if (uid >= 8 ** 7) add("uid", String(uid));
  if (gid >= 8 ** 7) add("gid", String(gid));
  if (sizeBytes >= 8 ** 11) add("size", String(sizeBytes));
  if (mtimeNsec !== 0 || mtimeSec < 0 || mtimeSec >= 8 ** 11) add("mtime", decimalTime(mtimeSec, mtimeNsec));
  for (const [key, name] of [
    ["uname", user],
    ["gname", group],
  ] as const) {
    if (name !== undefined && (!isPlain(name) || name.length > 31)) add(key, name);
  }
  for (const [name, value] of header.xattrs ?? []) {
    const acl = aclRecords[name];
    const text = acl === undefined ? undefined : aclText(value);
    if (acl !== undefined && text !== undefined) add(acl, text);
    // "=" would end the key early.
    else if (!name.includes("=") && isPlain(name)) add(`SCHILY.xattr.${name}`, value);
  }
  return records;
}

/** Attributes that tars carry under a name of their own, as text. */
const aclRecords: Readonly<Record<string, string>> = {
  "system.posix_acl_access": "SCHILY.acl.access",
  "system.posix_acl_default": "SCHILY.acl.default",
};

/** Seconds with nanoseconds, which count forward also before 1970. */
function decimalTime(seconds: number, nanoseconds: number): string {
  if (nanoseconds === 0) return String(seconds);
  if (seconds >= 0) return `${seconds}.${String(nanoseconds).padStart(9, "0")}`;
  const whole = seconds + 1;
  return `-${-whole}.${String(1_000_000_000 - nanoseconds).padStart(9, "0")}`;
}

/** `length key=value\n`, where the length counts itself. */
function paxRecord(key: string, value: Uint8Array | string): Buffer {
  const rest = Buffer.concat([
    Buffer.from(` ${key}=`, "latin1"),
    typeof value === "string" ? Buffer.from(value, "utf8") : value,
    Buffer.from("\n"),
  ]);
  let length = rest.byteLength + 1;
  while (String(length).length + rest.byteLength !== length) length = String(length).length + rest.byteLength;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}
