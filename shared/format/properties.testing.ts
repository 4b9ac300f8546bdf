import * as fc from "fast-check";
import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { emptyEntry, type Entry, entryTypes } from "./entry.ts";
import { idFromBytes } from "./ids.ts";
import { formatLimits } from "./limits.ts";

const given = Number(process.env["HOLDFAST_TEST_SEED"] ?? Number.NaN);
const seed = Number.isSafeInteger(given) ? given : Date.now() & 0x7fffffff;

/** How a property is tried. The seed is in the name of every test; HOLDFAST_TEST_SEED sets it. */
export const trial = { seed, numRuns: 300 } as const;

/** A test's name with the seed. */
export function seeded(name: string): string {
  return `${name} (seed ${seed})`;
}

/** Bytes of one length, or of any up to `max`. */
export const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
export const anyBytes = (max: number) => fc.uint8Array({ maxLength: max });

/** An integer of the format. */
export const anyInteger = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.maxSafeNat());

export const packIds = bytesOf(32).map((bytes) => idFromBytes("pack", bytes));
export const stateIds = bytesOf(32).map((bytes) => idFromBytes("state", bytes));
export const blobIds = bytesOf(32).map((bytes) => idFromBytes("blob", bytes));
export const commitIds = bytesOf(16).map((bytes) => idFromBytes("commit", bytes));
export const storeIds = bytesOf(16).map((bytes) => idFromBytes("store", bytes));

/** A name of any bytes but slash and zero, neither "." nor "..". */
export const names = fc
  .uint8Array({ minLength: 1, maxLength: 12 })
  .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x61 : byte))).toString("latin1"))
  .filter((name) => name !== "." && name !== "..");

const u32 = fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 0xffffffff }));
const nanoseconds = fc.integer({ min: 0, max: 999_999_999 });
const seconds = fc.oneof(
  fc.integer({ min: -1000, max: 1000 }),
  fc.integer({ min: -formatLimits.timeSeconds, max: formatLimits.timeSeconds }),
);

/** What an entry of any type may say, its name aside. */
const entryParts = fc.record({
  type: fc.constantFrom(...Object.values(entryTypes)),
  numbers: fc.tuple(fc.integer({ min: 0, max: 0o7777 }), u32, u32, u32, u32, u32, u32, u32, u32),
  device: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.maxSafeNat()),
  times: fc.tuple(seconds, nanoseconds, seconds, nanoseconds, seconds, nanoseconds),
  birth: fc.constantFrom("none", "ctime", "own"),
  target: fc.option(names, { nil: undefined }),
  xattrs: fc.option(fc.uniqueArray(fc.tuple(names, anyBytes(20)), { maxLength: 4, selector: ([name]) => name }), {
    nil: undefined,
  }),
  chunks: fc.array(fc.tuple(bytesOf(32), fc.integer({ min: 1, max: 1000 })), { maxLength: 4 }),
  shape: fc.constantFrom("plain", "sparse", "lists"),
  gaps: fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 3 }),
  trouble: fc.constantFrom("none", "none", "none", "changed", "error"),
});

/** Entries of any kind in key order. */
export const sortedEntries = fc
  .uniqueArray(fc.tuple(fc.array(names, { maxLength: 3 }), names, entryParts), {
    minLength: 1,
    maxLength: 12,
    selector: ([dir, name]) => `${dir.join("/")}\0${name}`,
  })
  .map((all) => all.map(([dir, name, parts]) => entryOf(dir.join("/"), name, parts)))
  .map((entries) => entries.toSorted(byKey));

function partsOf(dir: string): string[] {
  return dir === "" ? [] : dir.split("/");
}

/** Order of keys in other words than those of the code: lists of parts, compared part by part. */
function byKey(left: Entry, right: Entry): number {
  const [ours, theirs] = [partsOf(left.dir), partsOf(right.dir)];
  for (let index = 0; index < Math.min(ours.length, theirs.length); index++) {
    const order = Buffer.compare(Buffer.from(ours[index] ?? "", "latin1"), Buffer.from(theirs[index] ?? "", "latin1"));
    if (order !== 0) return order;
  }
  return (
    ours.length - theirs.length || Buffer.compare(Buffer.from(left.name, "latin1"), Buffer.from(right.name, "latin1"))
  );
}

type Parts = typeof entryParts extends fc.Arbitrary<infer Value> ? Value : never;

function entryOf(dir: string, name: string, parts: Parts): Entry {
  const entry = emptyEntry(dir, name, parts.type);
  [entry.mode, entry.uid, entry.gid, entry.inodeHi, entry.inodeLo, entry.rdevMajor, entry.rdevMinor, entry.flags] =
    parts.numbers;
  if (parts.type !== entryTypes.directory) entry.nlink = parts.numbers[8];
  entry.device = parts.device;
  [entry.mtimeSec, entry.mtimeNsec, entry.ctimeSec, entry.ctimeNsec] = parts.times;
  if (parts.birth === "ctime") [entry.btimeSec, entry.btimeNsec] = [entry.ctimeSec, entry.ctimeNsec];
  if (parts.birth === "own") [entry.btimeSec, entry.btimeNsec] = [parts.times[4], parts.times[5]];
  entry.target = parts.target;
  entry.xattrs = parts.xattrs?.toSorted(([left], [right]) => (left < right ? -1 : 1));
  entry.changed = parts.trouble === "changed";
  if (parts.trouble === "error") entry.error = "Permission denied";
  else if (parts.type === entryTypes.file) fill(entry, parts);
  return entry;
}

function numbers(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

function fill(entry: Entry, { chunks, shape, gaps }: Parts): void {
  const total = chunks.reduce((sum, [, length]) => sum + length, 0);
  entry.size = total;
  if (shape === "lists") entry.lists = concatBytes(...chunks.flatMap(([id, length]) => [id, numbers(length, 0)]));
  else entry.chunks = concatBytes(...chunks.flatMap(([id, length]) => [id, numbers(length)]));
  if (shape !== "sparse") return;
  const extents: number[] = [];
  let at = 0;
  for (const [index, [, length]] of chunks.entries()) {
    at += gaps[index % gaps.length] ?? 0;
    extents.push(at, length);
    at += length;
  }
  entry.extents = extents;
  entry.size = at + (gaps[0] ?? 0);
}
