import { createHash } from "node:crypto";
import { blockDigestBytes, type ScanBlock, type ScanProblem, type ScanRecord } from "#shared/connectors/importer.ts";
import { isBorder, treeNodeItemsMax } from "#shared/tree/is-border.ts";
import { packStop, type ScanKernel } from "./kernel/scan-kernel.ts";
import { createPackMemory, numbersPerRecord, packedRecordsMax, type PackMemory, packState } from "./pack-memory.ts";
import { newRecord } from "./scan-tree.ts";

/** A block, packed for another thread: how many of the records are its own, or the number of a known one. */
export type PackedBlock =
  | { readonly count: number; readonly dirsFrom: number; readonly digest: Uint8Array }
  | { readonly known: number };

/** Records packed for another thread, in order, with the problems that were met among them. */
export type ScanBatch = {
  /** Names joined by slashes. */
  readonly names: string;
  /** Directories that the records are in, each once in a row, anew for each block. */
  readonly dirs: readonly string[];
  readonly numbers: Float64Array;
  readonly blocks: readonly PackedBlock[];
  readonly problems: readonly ScanProblem[];
};

/** What a batch costs of the credit of whoever sends it: those with known blocks alone next to nothing. */
export function batchCost(batch: ScanBatch): number {
  return 1 + Math.floor(batch.numbers.length / (numbersPerRecord * recordsPerCredit));
}

/** Records, at about 200 bytes, for which one credit is taken. */
const recordsPerCredit = 128;

/** Records after which a batch is full; the block that is open then may go on for `treeNodeItemsMax`. */
const recordsPerBatch = packedRecordsMax - treeNodeItemsMax;
/** Known blocks of a batch at most. */
const knownPerBatch = 8;

/**
 * Packs records to blocks, and blocks to batches; forgets the records of a block that is known.
 *
 * Memory: a batch and a block.
 */
export class ScanPacker {
  readonly #known = new Map<string, number>();
  readonly #memory: PackMemory;
  #dirs: string[] = [];
  #lastDir: string | undefined;
  #blocks: PackedBlock[] = [];
  #problems: ScanProblem[] = [];
  /** Where the names and the directories of the open block begin. */
  #namesFrom: number;
  #dirsFrom = 0;

  /**
   * @param known - digests of known blocks, one after the other
   * @param memory - where to pack; it is emptied
   */
  constructor(known: Uint8Array | undefined, memory: PackMemory = createPackMemory()) {
    this.#memory = memory;
    this.#namesFrom = memory.namesAt;
    memory.state.fill(0);
    this.#set("namesEnd", memory.namesAt);
    this.#set("uid", noOwner);
    this.#set("gid", noOwner);
    if (known === undefined) return;
    const digests = Buffer.from(known.buffer, known.byteOffset, known.byteLength);
    for (let at = 0; at < digests.byteLength; at += blockDigestBytes)
      this.#known.set(digests.toString("latin1", at, at + blockDigestBytes), at / blockDigestBytes);
  }

  /** Whether the batch should be sent: only between blocks, so that a block is never cut. */
  get full(): boolean {
    const count = this.#get("count");
    return count === this.#get("blockFrom") && (count >= recordsPerBatch || this.#blocks.length >= knownPerBatch);
  }

  get empty(): boolean {
    return this.#blocks.length === 0 && this.#problems.length === 0;
  }

  addProblem(problem: ScanProblem): void {
    this.#problems.push(problem);
  }

  /** Adds the next record; ends the block with it where a leaf may end. */
  add(record: ScanRecord): void {
    const { numbers, bytes } = this.#memory;
    const isNew = this.#beginDirectory(record.dir);
    const count = this.#get("count");
    let at = count * numbersPerRecord;
    numbers[at++] = this.#get("directory");
    numbers[at++] = record.type;
    numbers[at++] = record.mode;
    numbers[at++] = record.uid;
    numbers[at++] = record.gid;
    numbers[at++] = record.nlink;
    numbers[at++] = record.size;
    numbers[at++] = record.blocks512;
    numbers[at++] = record.device;
    numbers[at++] = record.inodeHi;
    numbers[at++] = record.inodeLo;
    numbers[at++] = record.mtimeSec;
    numbers[at++] = record.mtimeNsec;
    numbers[at++] = record.ctimeSec;
    numbers[at++] = record.ctimeNsec;
    numbers[at++] = record.btimeSec;
    numbers[at++] = record.btimeNsec;
    numbers[at++] = record.rdevMajor;
    numbers[at] = record.rdevMinor;
    const nameAt = this.#get("namesEnd");
    const slashAt = nameAt + bytes.latin1Write(record.name, nameAt);
    bytes[slashAt] = slash;
    this.#set("namesEnd", slashAt + 1);
    this.#set("count", count + 1);
    if (isNew) this.#noteDirectory(record.dir);
    if (isBorder(record.dir, record.name, 0) || count + 1 - this.#get("blockFrom") >= treeNodeItemsMax) this.endBlock();
  }

  /**
   * Has the kernel pack entries of `dir` that it looked at: from `index` up to `end`, or only the one at `index`.
   *
   * @returns why it stopped, as bits of `packStop`
   */
  addLooked(kernel: ScanKernel, dir: string, index: number, end?: number): number {
    const isNew = this.#beginDirectory(dir);
    const before = this.#get("count");
    const stop = end === undefined ? kernel.packOne(index) : kernel.pack(index, end);
    if (isNew && this.#get("count") !== before) this.#noteDirectory(dir);
    if ((stop & packStop.blockEnded) !== 0) this.endBlock();
    return stop;
  }

  /** Ends the open block, if any. */
  endBlock(): void {
    const count = this.#get("count");
    const from = this.#get("blockFrom");
    if (count === from) return;
    const digest = this.#digest(from, count);
    const known = this.#known.get(digest.toString("latin1"));
    if (known === undefined) {
      this.#blocks.push({ count: count - from, dirsFrom: this.#dirsFrom, digest: Uint8Array.from(digest) });
      this.#set("blockFrom", count);
      this.#namesFrom = this.#get("namesEnd");
      this.#dirsFrom = this.#dirs.length;
    } else {
      this.#blocks.push({ known });
      this.#set("count", from);
      this.#set("namesEnd", this.#namesFrom);
      this.#dirs.length = this.#dirsFrom;
    }
  }

  /** The batch so far, to be sent when it is `full` or after the last `endBlock`, and what of it may be transferred. */
  take(): { batch: ScanBatch; transfer: ArrayBuffer[] } {
    const { bytes, namesAt } = this.#memory;
    const count = this.#get("count");
    const numbers = this.#memory.numbers.slice(0, count * numbersPerRecord);
    const batch = {
      names: count === 0 ? "" : bytes.latin1Slice(namesAt, this.#get("namesEnd") - 1),
      dirs: this.#dirs,
      numbers,
      blocks: this.#blocks,
      problems: this.#problems,
    };
    this.#dirs = [];
    this.#blocks = [];
    this.#problems = [];
    this.#namesFrom = namesAt;
    this.#dirsFrom = 0;
    this.#set("count", 0);
    this.#set("blockFrom", 0);
    this.#set("namesEnd", namesAt);
    return { batch, transfer: [numbers.buffer] };
  }

  /** Gives the directory of the next record its number. Whether it is new in the block: then, once a record is in, it is to be noted. */
  #beginDirectory(dir: string): boolean {
    const isNew = this.#get("count") === this.#get("blockFrom") || dir !== this.#lastDir;
    this.#set("directory", this.#dirs.length - this.#dirsFrom - (isNew ? 0 : 1));
    return isNew;
  }

  #noteDirectory(dir: string): void {
    this.#lastDir = dir;
    this.#dirs.push(dir);
  }

  #get(what: keyof typeof packState): number {
    return this.#memory.state[packState[what]] ?? 0;
  }

  #set(what: keyof typeof packState, value: number): void {
    this.#memory.state[packState[what]] = value;
  }

  /** The digest of all that the open block tells. Names hold neither slashes nor NULs, directories no NULs. */
  #digest(from: number, count: number): Buffer {
    const { numbers, bytes } = this.#memory;
    const dirs = this.#dirsFrom === 0 ? this.#dirs : this.#dirs.slice(this.#dirsFrom);
    return createHash("sha256")
      .update(numbers.subarray(from * numbersPerRecord, count * numbersPerRecord))
      .update("\0")
      .update(bytes.subarray(this.#namesFrom, this.#get("namesEnd") - 1))
      .update(`\0${dirs.join("\0")}`, "latin1")
      .digest()
      .subarray(0, blockDigestBytes);
  }
}

const slash = 0x2f;
/** No owner's number. */
const noOwner = 0xffff_ffff;

/** The blocks of a batch; their records are one object, reused. */
export function* unpackBatch(batch: ScanBatch, root: string): Generator<ScanBlock> {
  const record: ScanRecord = new LazyPathRecord(root);
  const names = batch.names.split("/");
  let from = 0;
  for (const block of batch.blocks) {
    if ("known" in block) yield block;
    else {
      const { count, dirsFrom, digest } = block;
      yield { records: recordsOf(batch, { record, names, from, count, dirsFrom }), digest };
      from += count;
    }
  }
}

function* recordsOf(
  { numbers, dirs }: ScanBatch,
  block: {
    readonly record: ScanRecord;
    readonly names: readonly string[];
    readonly from: number;
    readonly count: number;
    readonly dirsFrom: number;
  },
): Generator<ScanRecord> {
  const { record, names, from, dirsFrom } = block;
  const end = from + block.count;
  for (let index = from; index < end; index++) {
    let at = index * numbersPerRecord;
    record.name = names[index] ?? "";
    record.dir = dirs[dirsFrom + (numbers[at++] ?? 0)] ?? "";
    record.type = (numbers[at++] ?? 0) as ScanRecord["type"];
    record.mode = numbers[at++] ?? 0;
    record.uid = numbers[at++] ?? 0;
    record.gid = numbers[at++] ?? 0;
    record.nlink = numbers[at++] ?? 0;
    record.size = numbers[at++] ?? 0;
    record.blocks512 = numbers[at++] ?? 0;
    record.device = numbers[at++] ?? 0;
    record.inodeHi = numbers[at++] ?? 0;
    record.inodeLo = numbers[at++] ?? 0;
    record.mtimeSec = numbers[at++] ?? 0;
    record.mtimeNsec = numbers[at++] ?? 0;
    record.ctimeSec = numbers[at++] ?? 0;
    record.ctimeNsec = numbers[at++] ?? 0;
    record.btimeSec = numbers[at++] ?? 0;
    record.btimeNsec = numbers[at++] ?? 0;
    record.rdevMajor = numbers[at++] ?? 0;
    record.rdevMinor = numbers[at] ?? 0;
    yield record;
  }
}
/** A record that puts its path together when it is asked for: most are not. */
class LazyPathRecord {
  readonly #root: string;
  readonly #base: string;
  dir = "";
  name = "";
  type = newRecord().type;
  mode = 0;
  uid = 0;
  gid = 0;
  nlink = 0;
  size = 0;
  blocks512 = 0;
  device = 0;
  inodeHi = 0;
  inodeLo = 0;
  mtimeSec = 0;
  mtimeNsec = 0;
  ctimeSec = 0;
  ctimeNsec = 0;
  btimeSec = 0;
  btimeNsec = 0;
  rdevMajor = 0;
  rdevMinor = 0;

  constructor(root: string) {
    this.#root = root;
    this.#base = root === "/" ? "/" : `${root}/`;
  }

  get path(): string {
    if (this.name === "") return this.#root;
    return this.dir === "" ? this.#base + this.name : `${this.#base}${this.dir}/${this.name}`;
  }
}
