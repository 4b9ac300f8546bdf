import { readFileSync } from "node:fs";
import { errnoOf, filesystemError } from "./filesystem-error.ts";
import { type Address, dataBytes, type Libc, libc } from "./libc.ts";

/** Entries that one of the four caches may have before it starts anew; about 8 MiB in all at worst. */
const mostCached = 16_384;

/** Where names of owners come from. */
export type OwnerSources = {
  readonly passwdPath?: string;
  readonly groupPath?: string;
  /** Whether the system is asked for what the files do not have (LDAP, sssd, systemd …). */
  readonly askSystem?: boolean;
};

/**
 * Names of users and groups for their numbers, and numbers for names: from /etc/passwd and /etc/group, read once, then
 * from the system's name service, each answer kept. Names are binary strings.
 *
 * @throws {HoldfastError} by the constructor: a file is there and cannot be read
 */
export class OwnerNames {
  readonly #userById = new Map<number, string | undefined>();
  readonly #userByName = new Map<string, number | undefined>();
  readonly #groupById = new Map<number, string | undefined>();
  readonly #groupByName = new Map<string, number | undefined>();
  readonly #askSystem: boolean;

  constructor(sources: OwnerSources = {}) {
    this.#askSystem = sources.askSystem ?? true;
    readTable(sources.passwdPath ?? "/etc/passwd", this.#userById, this.#userByName);
    readTable(sources.groupPath ?? "/etc/group", this.#groupById, this.#groupByName);
  }

  /** The name of a user, or undefined where the number has none. */
  userName(uid: number): string | undefined {
    if (this.#userById.has(uid)) return this.#userById.get(uid);
    return keep(this.#userById, uid, this.#askSystem ? askName("user", uid) : undefined);
  }

  /** The name of a group, or undefined where the number has none. */
  groupName(gid: number): string | undefined {
    if (this.#groupById.has(gid)) return this.#groupById.get(gid);
    return keep(this.#groupById, gid, this.#askSystem ? askName("group", gid) : undefined);
  }

  /** The number that `name` has here, or `uid` where there is no such user: whom a restored entry belongs to. */
  restoredUid(name: string | undefined, uid: number): number {
    if (name === undefined || name === "") return uid;
    if (!this.#userByName.has(name)) {
      keep(this.#userByName, name, this.#askSystem ? askNumber("user", name) : undefined);
    }
    return this.#userByName.get(name) ?? uid;
  }

  /** The number that `name` has here, or `gid` where there is no such group. */
  restoredGid(name: string | undefined, gid: number): number {
    if (name === undefined || name === "") return gid;
    if (!this.#groupByName.has(name)) {
      keep(this.#groupByName, name, this.#askSystem ? askNumber("group", name) : undefined);
    }
    return this.#groupByName.get(name) ?? gid;
  }
}

function keep<K, V>(cache: Map<K, V | undefined>, key: K, value: V | undefined): V | undefined {
  if (cache.size >= mostCached) cache.clear();
  cache.set(key, value);
  return value;
}

/** Both files have name:secret:number:…; the first line of a name or a number counts, as for the C library. */
function readTable(path: string, byId: Map<number, string | undefined>, byName: Map<string, number | undefined>): void {
  let text: string;
  try {
    text = readFileSync(path, "latin1");
  } catch (error) {
    // No file: no names from it.
    if (errnoOf(error).name === "ENOENT") return;
    throw filesystemError("read the names of owners from", path, error);
  }
  for (const line of text.split("\n")) {
    const [name = "", , number = ""] = line.split(":");
    if (name === "" || !/^\d{1,10}$/.test(number) || /^[#+-]/.test(name)) continue;
    const id = Number(number);
    if (byId.size >= mostCached) return;
    if (!byId.has(id)) byId.set(id, name);
    if (!byName.has(name)) byName.set(name, id);
  }
}

/** `struct passwd` and `struct group` begin alike on 64-bit machines: name, password, number. */
const numberOffset = 16;
/** Room for the record and the pointer to it, in front of the text that the record points into. */
const textOffset = 256;
const resultOffset = 128;

function askName(kind: "user" | "group", id: number): string | undefined {
  const c = libc();
  if (c === undefined) return undefined;
  const call = kind === "user" ? c.getpwuid : c.getgrgid;
  const text = c.data + textOffset;
  if (call(id, c.data, text, dataBytes - textOffset, c.data + resultOffset) !== 0 || !found(c)) return undefined;
  const start = pointerAt(c, 0) - c.data;
  if (start < textOffset || start >= dataBytes) return undefined;
  return c.dataView.latin1Slice(start, c.dataView.indexOf(0, start));
}

function askNumber(kind: "user" | "group", name: string): number | undefined {
  const c = libc();
  if (c === undefined || name.length > 256 || name.includes("\0")) return undefined;
  const call = kind === "user" ? c.getpwnam : c.getgrnam;
  const text = c.data + textOffset;
  const length = dataBytes - textOffset;
  if (call(c.putName(name), c.data, text, length, c.data + resultOffset) !== 0 || !found(c)) return undefined;
  return c.dataView.readUInt32LE(numberOffset);
}

function found(c: Libc): boolean {
  return pointerAt(c, resultOffset) !== 0;
}

function pointerAt(c: Libc, offset: number): Address {
  return c.dataView.readUInt32LE(offset + 4) * 0x1_0000_0000 + c.dataView.readUInt32LE(offset);
}
