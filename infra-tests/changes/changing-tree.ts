import * as fs from "node:fs";
import { dirname } from "node:path";
import { libc, workingDirectory } from "#agent/filesystem/libc.ts";
import { putTimes } from "#agent/filesystem/put-times.ts";
import { isBorder } from "#shared/tree/is-border.ts";
import type { SeededRandom } from "#infra-tests/simulate/seeded-random.ts";

/** How large a tree is in the beginning. */
export type TreeSize = {
  readonly directories: number;
  readonly files: number;
  readonly filesInOne: number;
  /** Entries of each of the directories that hold nothing to read: links, empty files, directories, names of one file. */
  readonly unread?: number;
};

/** What needs no reading, and how it is made at a path. */
const unread: Readonly<Record<string, (path: Buffer, first: Buffer) => void>> = {
  links: (path) => fs.symlinkSync("nowhere", path),
  empty: (path) => fs.writeFileSync(path, ""),
  directories: (path) => fs.mkdirSync(path),
  names: (path, first) => (path.equals(first) ? fs.writeFileSync(path, "one") : fs.linkSync(first, path)),
};

const nameStarts = ["a", "\xff\xfe", "x".repeat(200), "file", "File", "z z", "\n", "-n", "..."];
const sizes = [0, 1, 10, 100, 3000];
const longestBytes = 2000;
/** What the filesystem or this user may refuse: no such change then. */
const refusals = new Set([
  "ENOENT",
  "ENOTDIR",
  "EISDIR",
  "EPERM",
  "EACCES",
  "ENOTEMPTY",
  "EEXIST",
  "EINVAL",
  "ENAMETOOLONG",
  "EBUSY",
]);

/** A directory tree that changes at random, as trees of users do: names of any bytes, and every kind of change that leaves few traces. */
export class ChangingTree {
  readonly #root: string;
  readonly #random: SeededRandom;
  /** Paths as binary strings. */
  readonly #directories: string[];
  readonly #files: string[] = [];
  #number = 0;

  /** @param root - a directory that is not there yet, as a binary string */
  constructor(root: string, random: SeededRandom, size: TreeSize) {
    this.#root = root;
    this.#random = random;
    this.#directories = [root];
    fs.mkdirSync(bytes(root));
    while (this.#directories.length < size.directories) this.#makeDirectory();
    while (this.#files.length < size.files) this.#makeFile();
    const large = `${root}/large`;
    fs.mkdirSync(large);
    for (let n = 0; n < size.filesInOne; n++) this.#write(`${large}/n${n * 7919}`, new Uint8Array(0));
    for (const [name, make] of Object.entries(unread)) this.#makeUnread(name, size.unread ?? 0, make);
  }

  /** A directory of entries that need no reading. Its first name ends a node of the tree and no other does: as many come in one piece as can. */
  #makeUnread(dir: string, count: number, make: (path: Buffer, first: Buffer) => void): void {
    if (count === 0) return;
    fs.mkdirSync(bytes(`${this.#root}/${dir}`));
    let first: Buffer | undefined;
    for (let made = 0, number = 0; made < count; number++) {
      const name = `${made === 0 ? "a" : "u"}${number}`;
      if (isBorder(dir, name, 0) !== (made === 0)) continue;
      const path = bytes(`${this.#root}/${dir}/${name}`);
      first ??= path;
      make(path, first);
      made++;
    }
    this.#unread.push(dir);
  }
  readonly #unread: string[] = [];

  /** Removes one of the entries that need no reading, or adds one. */
  #changeUnread(): void {
    const dir = this.#unread[this.#random.below(Math.max(1, this.#unread.length))];
    if (dir === undefined) return;
    const path = `${this.#root}/${dir}`;
    const names = fs.readdirSync(bytes(path), { encoding: "latin1" });
    const name = names[this.#random.below(Math.max(1, names.length))];
    if (name === undefined || this.#random.chance(0.3)) fs.symlinkSync("new", bytes(`${path}/${this.#newName("v")}`));
    else if (dir === "directories") fs.rmdirSync(bytes(`${path}/${name}`));
    else fs.unlinkSync(bytes(`${path}/${name}`));
  }

  /** Makes one change; none where it is refused. */
  change(): void {
    try {
      this.#random.pick(this.#changes)();
    } catch (error) {
      if (!refusals.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }

  readonly #changes: readonly (() => void)[] = [
    () => this.#makeFile(),
    () => this.#makeDirectory(),
    () => fs.unlinkSync(bytes(this.#takeFile())),
    () => this.#rewriteUnnoticed(),
    () => fs.chmodSync(bytes(this.#file()), this.#random.pick([0o600, 0o644, 0o4755, 0o400])),
    () => fs.lchownSync(bytes(this.#file()), this.#random.pick([0, 1000, 65_534]), this.#random.pick([0, 5, 1000])),
    () => this.#moveFile(),
    () => this.#setAttribute(),
    () => this.#link(),
    () => fs.symlinkSync(bytes(this.#newName("target")), bytes(`${this.#directory()}/${this.#newName("s")}`)),
    () => fs.chmodSync(bytes(this.#directory()), this.#random.pick([0o700, 0o755, 0o1777])),
    () => fs.utimesSync(bytes(this.#directory()), this.#random.below(2e9), this.#random.below(2e9) - 1e9),
    () => this.#moveDirectory(),
    () => this.#changeUnread(),
  ];

  #makeFile(): void {
    const path = `${this.#directory()}/${this.#newName(this.#random.pick(nameStarts))}`;
    if (path.length <= longestBytes) this.#write(path, this.#random.bytes(this.#random.pick(sizes)));
  }

  #write(path: string, content: Uint8Array): void {
    fs.writeFileSync(bytes(path), content);
    this.#files.push(path);
  }

  #makeDirectory(): void {
    const path = `${this.#directory()}/${this.#newName(this.#random.pick(nameStarts))}`;
    if (path.length > longestBytes) return;
    fs.mkdirSync(bytes(path));
    this.#directories.push(path);
  }

  /** Other content of the same length, with the same time to the nanosecond: only the inode's own time tells. */
  #rewriteUnnoticed(): void {
    const c = libc();
    if (c === undefined) return;
    const name = this.#file();
    const path = bytes(name);
    const { mtimeNs } = fs.lstatSync(path, { bigint: true });
    const content = fs.readFileSync(path);
    fs.writeFileSync(
      path,
      content.map((byte) => byte ^ 1),
    );
    const times = putTimes(c, Number(mtimeNs / 1_000_000_000n), Number(mtimeNs % 1_000_000_000n));
    c.utimensat(workingDirectory, c.putPath(name), times, 0);
  }

  #moveFile(): void {
    const path = `${this.#directory()}/${this.#newName("moved")}`;
    const from = this.#takeFile();
    fs.renameSync(bytes(from), bytes(path));
    this.#files.push(path);
  }

  #link(): void {
    const path = `${this.#directory()}/${this.#newName("link")}`;
    fs.linkSync(bytes(this.#file()), bytes(path));
    this.#files.push(path);
  }

  #setAttribute(): void {
    const c = libc();
    if (c === undefined) return;
    const value = this.#random.bytes(5);
    c.lsetxattr(c.putPath(this.#file()), c.putName("user.changed"), value, value.byteLength, 0);
  }

  #moveDirectory(): void {
    const from = this.#random.pick(this.#directories);
    if (from === this.#root) return;
    const to = `${this.#random.chance(0.5) ? this.#root : dirname(from)}/${this.#newName("m")}`;
    fs.renameSync(bytes(from), bytes(to));
    const moved = (path: string): string =>
      path === from || path.startsWith(`${from}/`) ? to + path.slice(from.length) : path;
    for (const paths of [this.#directories, this.#files])
      for (const [index, path] of paths.entries()) paths[index] = moved(path);
  }

  #directory(): string {
    return this.#random.pick(this.#directories);
  }

  #file(): string {
    return this.#random.pick(this.#files);
  }

  #takeFile(): string {
    const index = this.#random.below(this.#files.length);
    return this.#files.splice(index, 1)[0] ?? "";
  }

  #newName(start: string): string {
    return `${start}${this.#number++}`;
  }
}

const bytes = (path: string): Buffer => Buffer.from(path, "latin1");
