import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import { HoldfastError } from "#shared/errors.ts";
import { decodeFrame } from "./frame.ts";
import { idToBytes, type StoreId } from "./ids.ts";
import { packTableRowBytes } from "./pack.ts";
import type { PackKind } from "./segment.ts";
import { checkSignature, splitSigned, type Verify } from "./signed-payload.ts";

/** Who is told of a head's packs and references, by places in `bytes`: nothing is copied or made for each of them. */
export type StateHeadVisitor = {
  /** A pack that the state adds: 32 bytes of id from `idAt`, its size, the segments in its table, that table from `tableAt`, its kind. */
  pack?(
    bytes: Uint8Array,
    idAt: number,
    sizeBytes: number,
    rows: number,
    tableAt: number,
    kind: PackKind | undefined,
  ): void;
  /** A reference: 32 bytes of id from `idAt`, and the bitmap of rows. */
  reference?(bytes: Uint8Array, idAt: number, segmentsAt: number, segmentsBytes: number): void;
  /** A field of the head: its name, and its CBOR as it stands there. Lists are visited first. */
  field?(name: string, value: Uint8Array): void;
};

/**
 * Reads the structure of a head whose bytes are known to be the right ones (their SHA-256 is the state's id): which packs it adds and
 * which rows it references. `decodeStateHead` checks every field; this checks frame, signature and store, and visits, in flat memory: a
 * head may name millions of packs.
 *
 * @throws {HoldfastError} corrupt or incompatible: it is no such head, or of another store; some of it may have been visited by then
 */
export function scanStateHead(
  bytes: Uint8Array,
  options: {
    readonly subject: string;
    readonly storeId: StoreId;
    readonly verify: Verify;
  },
  visitor: StateHeadVisitor,
): void {
  const { subject, verify } = options;
  const payload = splitSigned(decodeFrame("state", bytes, subject), subject);
  const { body } = payload;
  const cursor = new Cursor(body, subject);
  let author: Uint8Array | undefined;
  let storeId: Uint8Array | undefined;
  let lists = 0;
  for (let fields = cursor.head(majorMap); fields > 0; fields--) {
    const name = cursor.text();
    const begin = cursor.at;
    if (name === "packs") {
      lists++;
      for (let left = cursor.head(majorArray); left > 0; left--) scanPack(cursor, visitor);
    } else if (name === "references") {
      lists++;
      for (let left = cursor.head(majorArray); left > 0; left--) scanReference(cursor, visitor);
    } else if (name === "author") author = cursor.view();
    else if (name === "storeId") storeId = cursor.view();
    else cursor.skip();
    visitor.field?.(name, body.subarray(begin, cursor.at));
  }
  if (cursor.at !== body.byteLength || lists !== 2 || author?.byteLength !== 32) cursor.fail();
  else checkSignature(payload, { author, structure: "state", verify }, subject);
  if (storeId === undefined || !equalBytes(storeId, idToBytes(options.storeId)))
    throw new HoldfastError("corrupt", `Cannot read ${subject}: it belongs to another store`);
}

function scanPack(cursor: Cursor, visitor: StateHeadVisitor): void {
  let idAt = -1;
  let sizeBytes = -1;
  let tableBytes = -1;
  let tableAt = -1;
  let kind: PackKind | undefined;
  for (let fields = cursor.head(majorMap); fields > 0; fields--) {
    const name = cursor.text();
    if (name === "id") idAt = cursor.placeOf(32);
    else if (name === "sizeBytes") sizeBytes = cursor.head(majorUnsigned);
    else if (name === "table") {
      tableBytes = cursor.head(majorBytes);
      tableAt = cursor.at;
      cursor.pass(tableBytes);
    } else if (name === "kind") {
      const text = cursor.text();
      kind = text === "data" || text === "meta" ? text : undefined;
    } else cursor.skip();
  }
  if (idAt < 0 || sizeBytes < 0 || tableBytes < 0 || tableBytes % packTableRowBytes !== 0) cursor.fail();
  visitor.pack?.(cursor.bytes, idAt, sizeBytes, tableBytes / packTableRowBytes, tableAt, kind);
}

function scanReference(cursor: Cursor, visitor: StateHeadVisitor): void {
  let idAt = -1;
  let segmentsAt = -1;
  let segmentsBytes = 0;
  for (let fields = cursor.head(majorMap); fields > 0; fields--) {
    const name = cursor.text();
    if (name === "pack") idAt = cursor.placeOf(32);
    else if (name === "segments") {
      segmentsBytes = cursor.head(majorBytes);
      segmentsAt = cursor.at;
      cursor.pass(segmentsBytes);
    } else cursor.skip();
  }
  if (idAt < 0 || segmentsAt < 0) cursor.fail();
  visitor.reference?.(cursor.bytes, idAt, segmentsAt, segmentsBytes);
}

const majorUnsigned = 0;
const majorBytes = 2;
const majorText = 3;
const majorArray = 4;
const majorMap = 5;

/** The longest name of a field. */
const nameBytesMax = 64;

/** Walks over CBOR of definite lengths (RFC 8949 §3). */
class Cursor {
  readonly bytes: Uint8Array;
  readonly #subject: string;
  at = 0;

  constructor(bytes: Uint8Array, subject: string) {
    this.bytes = bytes;
    this.#subject = subject;
  }

  /** The argument of an item of that major type: its value, its length, or how many items are in it. */
  head(major: number): number {
    const first = this.bytes[this.at] ?? -1;
    if (first >> 5 !== major) this.fail();
    return this.#argument();
  }

  text(): string {
    const lengthBytes = this.head(majorText);
    if (lengthBytes > nameBytesMax) this.fail();
    const begin = this.at;
    this.pass(lengthBytes);
    let text = "";
    for (let at = begin; at < this.at; at++) text += String.fromCharCode(this.bytes[at] ?? 0);
    return text;
  }

  /** A byte string, as a view. */
  view(): Uint8Array {
    const lengthBytes = this.head(majorBytes);
    this.pass(lengthBytes);
    return this.bytes.subarray(this.at - lengthBytes, this.at);
  }

  /** Where a byte string of that length begins. */
  placeOf(lengthBytes: number): number {
    if (this.head(majorBytes) !== lengthBytes) this.fail();
    this.pass(lengthBytes);
    return this.at - lengthBytes;
  }

  pass(lengthBytes: number): void {
    if (lengthBytes > this.bytes.byteLength - this.at) this.fail();
    this.at += lengthBytes;
  }

  skip(depth = 0): void {
    if (depth > 16) this.fail();
    const major = (this.bytes[this.at] ?? this.fail()) >> 5;
    const argument = this.#argument();
    if (major === majorBytes || major === majorText) this.pass(argument);
    else if (major === majorArray || major === majorMap) {
      for (let left = major === majorMap ? argument * 2 : argument; left > 0; left--) this.skip(depth + 1);
    } else if (major === 6) this.fail();
  }

  fail(): never {
    throw new HoldfastError("corrupt", `Cannot read ${this.#subject}: it is not the CBOR of a state's head`);
  }

  #argument(): number {
    const short = (this.bytes[this.at++] ?? 0) & 31;
    if (short < 24) return short;
    const lengthBytes = short === 24 ? 1 : short === 25 ? 2 : short === 26 ? 4 : short === 27 ? 8 : this.fail();
    this.pass(lengthBytes);
    let value = 0;
    for (let at = this.at - lengthBytes; at < this.at; at++) value = value * 256 + (this.bytes[at] ?? 0);
    return value <= Number.MAX_SAFE_INTEGER ? value : this.fail();
  }
}
