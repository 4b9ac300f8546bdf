import type { ScanProblem, ScanRecord } from "#shared/connectors/importer.ts";
import { newRecord } from "./scan-tree.ts";

/** Records packed for another thread, in order. */
export type ScanBatch = {
  /** Names joined by slashes. */
  readonly names: string;
  readonly count: number;
  /** Directories that the records are in, each once in a row. */
  readonly dirs: readonly string[];
  readonly numbers: Float64Array;
  readonly problems: readonly ScanProblem[];
};

/** Numbers of a record in `ScanBatch.numbers`. */
const numbersPerRecord = 20;

/** Packs records until a batch is full. */
export class ScanPacker {
  readonly #capacity: number;
  #numbers: Float64Array<ArrayBuffer>;
  #names: string[] = [];
  #dirs: string[] = [];
  #lastDir: string | undefined;
  #problems: ScanProblem[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#numbers = new Float64Array(capacity * numbersPerRecord);
  }

  get full(): boolean {
    return this.#names.length >= this.#capacity;
  }

  get empty(): boolean {
    return this.#names.length === 0 && this.#problems.length === 0;
  }

  addProblem(problem: ScanProblem): void {
    this.#problems.push(problem);
  }

  add(record: ScanRecord): void {
    if (record.dir !== this.#lastDir || this.#dirs.length === 0) {
      this.#lastDir = record.dir;
      this.#dirs.push(record.dir);
    }
    const numbers = this.#numbers;
    let at = this.#names.length * numbersPerRecord;
    this.#names.push(record.name);
    numbers[at++] = this.#dirs.length - 1;
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
  }

  /** The batch so far, and what of it may be transferred. */
  take(): { batch: ScanBatch; transfer: ArrayBuffer[] } {
    const numbers = this.#numbers;
    const batch = {
      names: this.#names.join("/"),
      count: this.#names.length,
      dirs: this.#dirs,
      numbers,
      problems: this.#problems,
    };
    this.#numbers = new Float64Array(this.#capacity * numbersPerRecord);
    this.#names = [];
    this.#dirs = [];
    this.#problems = [];
    return { batch, transfer: [numbers.buffer] };
  }
}

/** The records of a batch, one object reused; `prefix` is the root with a slash at its end. */
export function* unpackBatch(batch: ScanBatch, root: string): Generator<ScanRecord> {
  const record: ScanRecord = new LazyPathRecord(root);
  const { numbers, dirs } = batch;
  const names = batch.names.split("/");
  for (let index = 0; index < batch.count; index++) {
    let at = index * numbersPerRecord;
    record.name = names[index] ?? "";
    record.dir = dirs[numbers[at++] ?? 0] ?? "";
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
