import { HoldfastError } from "#shared/errors.ts";
import type { View, ViewEntry } from "#shared/view/view.ts";
import { findEntry } from "#gateway/paths/find-entry.ts";
import { decodeKey, encodeKey, firstOddByte, firstStandIn } from "./object-key.ts";

/** Bytes of names of one directory that are no UTF-8 and wait for their turn. */
const oddBytesMax = 16 * 1024 * 1024;
/** More bytes than a name has: `before` any name that is not the text itself. */
const filler = "\xff".repeat(1024);

/** Where a walk stands: which keys come after it. */
export type WalkPosition = {
  /** The last key, or common prefix, that was given. A binary string. */
  readonly key: string;
  /** Where the key is a common prefix: it was given already. */
  readonly skipsPrefix: boolean;
  /** Whether no name that is no UTF-8 was waiting for its turn: the walk can then go on where it stopped, and need not look back. */
  readonly isClean: boolean;
};

/** What is walked. */
export type KeyWalk = {
  readonly view: View;
  /** The directory of the view that is the bucket. */
  readonly root: string;
  /** Only keys that begin so. A binary string. */
  readonly prefix?: string | undefined;
  /** Only what comes after this. */
  readonly after?: WalkPosition | undefined;
  /** Give what lies below a directory, as seen from the prefix, as one common prefix. */
  readonly collapses: boolean;
};

/** One of the keys of a walk. */
export type WalkedKey = {
  readonly key: string;
  /** Undefined: it is a common prefix. */
  readonly entry: ViewEntry | undefined;
  readonly isClean: boolean;
};

/** Something of a directory that comes later in the order of keys than in that of names. */
type Waiting = {
  /** What it begins with in the order of keys, as seen from the directory. */
  readonly sort: string;
  readonly path: string;
  /** Undefined: is looked up when its turn comes, so that names alone are held. */
  readonly entry: ViewEntry | undefined;
  readonly isDirectory: boolean;
  /** Of a directory in which the walk goes on: the key after which. */
  readonly rest: string | undefined;
};

/**
 * The keys of a bucket in the order of S3: that of the bytes of whole keys.
 *
 * Files and links are objects by their paths; a directory in which there is none of those and no directory is an object whose key ends in a
 * slash. Special files are none.
 *
 * A directory of a view comes in the order of names. Keys come otherwise: `d` as a directory is `d/…`, after `d-x` and `d.x`; and names that
 * are no UTF-8 come after all that begin like them. So directories, and such names, wait in a heap until no smaller key can come: of
 * directories as many as one name has characters, of names that are no UTF-8 16 MiB.
 *
 * @throws {HoldfastError} incompatible: more of those
 */
export async function* walkKeys(walk: KeyWalk): AsyncGenerator<WalkedKey> {
  const { view, root, prefix = "", after } = walk;
  const slash = prefix.lastIndexOf("/") + 1;
  const keys = prefix.slice(0, slash);
  const name = decodeKey(keys);
  if (name === undefined || /^\/|\/\/|(?:^|\/)\.{1,2}\/|\0/.test(name)) return;
  if (after !== undefined && after.key > keys && !after.key.startsWith(keys)) return;
  const path = keys === "" ? root : `${root === "/" ? "" : root}/${name.slice(0, -1)}`;
  const directory = await findEntry(view, path);
  if (directory?.type !== "directory") return;
  const walker = new KeyWalker(walk);
  const rest = after?.key.startsWith(keys) === true ? after.key.slice(keys.length) : undefined;
  yield* walker.directory({ directory, keys, rest, prefix: prefix.slice(slash), collapses: walk.collapses });
}

type DirectoryWalk = {
  readonly directory: ViewEntry;
  /** What the keys in it begin with: "" or "a/b/". */
  readonly keys: string;
  /** The walk goes on after `keys` and this; undefined: it begins. */
  readonly rest: string | undefined;
  /** Only names that begin so, as keys. */
  readonly prefix: string;
  readonly collapses: boolean;
};

class KeyWalker {
  readonly #view: View;
  readonly #after: WalkPosition | undefined;
  /** Names that are no UTF-8 and wait, in all directories. */
  #oddWaiting = 0;

  constructor({ view, after }: KeyWalk) {
    this.#view = view;
    this.#after = after;
  }

  async *directory(walk: DirectoryWalk): AsyncGenerator<WalkedKey> {
    const { directory, keys, rest, prefix } = walk;
    const heap = new Heap();
    const start = rest === undefined ? undefined : await this.#resume(directory.path, rest, prefix, heap);
    // Names that stand for bytes are found by what stands before them.
    const seek = prefix.includes("\xf4") ? prefix.slice(0, prefix.indexOf("\xf4")) : prefix;
    const least = seek === "" ? undefined : before(seek);
    const from = start === undefined || (least !== undefined && least > start) ? least : start;
    let isEmpty = true;
    let oddBytes = 0;
    try {
      for await (const entry of this.#view.list(directory.path, from === undefined ? {} : { after: from })) {
        const { name, type } = entry;
        if (!name.startsWith(seek)) {
          if (name > seek) break;
          continue;
        }
        const odd = firstOddByte(name);
        const part = odd === undefined ? name : encodeKey(name);
        const least = odd === undefined ? name : earliest(name, odd);
        for (let next = heap.first(); next !== undefined && next.sort < least; next = heap.first()) {
          isEmpty = false;
          yield* this.#give(heap.take(), walk);
        }
        if (!part.startsWith(prefix) || (type !== "file" && type !== "symlink" && type !== "directory")) continue;
        const isDirectory = type === "directory";
        const sort = isDirectory ? `${part}/` : part;
        const goesOn = isDirectory && rest !== undefined && rest.startsWith(sort);
        if (rest !== undefined && sort <= rest && !goesOn) continue;
        isEmpty = false;
        if (odd === undefined && !isDirectory) {
          yield { key: keys + name, entry, isClean: this.#oddWaiting === 0 };
          continue;
        }
        if (odd !== undefined) {
          this.#oddWaiting++;
          oddBytes += entry.path.length;
          if (oddBytes > oddBytesMax) {
            throw new HoldfastError(
              "incompatible",
              `Cannot list ${JSON.stringify(directory.path)} over S3: too many of its names are no UTF-8`,
              {
                hint: "Read it over HTTP or WebDAV.",
              },
            );
          }
        }
        const waiting = { sort, path: entry.path, entry: odd === undefined ? entry : undefined, isDirectory };
        heap.add({ ...waiting, rest: goesOn ? rest.slice(sort.length) : undefined });
      }
      while (heap.first() !== undefined) {
        isEmpty = false;
        const next = heap.take();
        if (next.entry === undefined) oddBytes -= next.path.length;
        yield* this.#give(next, walk);
      }
    } finally {
      this.#oddWaiting -= heap.oddCount();
    }
    if (isEmpty && rest === undefined && prefix === "" && keys !== "") {
      yield { key: keys, entry: directory, isClean: this.#oddWaiting === 0 };
    }
  }

  /**
   * Puts directories into the heap whose names come before the place where a walk goes on, and whose keys come after it. Gives the name
   * after which the rest of the directory is listed.
   */
  async #resume(path: string, rest: string, prefix: string, heap: Heap): Promise<string> {
    if (rest === "") return "";
    const slash = rest.indexOf("/");
    const part = slash < 0 ? rest : rest.slice(0, slash);
    const odd = this.#after?.isClean === true ? -1 : part.search(/[\x80-\xff]/);
    // Up to here no name can have come out of its turn.
    const sure = odd < 0 ? part.length : odd;
    for (let length = 1; length <= sure; length++) {
      const isWhole = length === part.length;
      if (!isWhole && part.charCodeAt(length) >= 0x2f) continue;
      const name = part.slice(0, length);
      if (!name.startsWith(prefix) || /^\.{1,2}$|\0/.test(name)) continue;
      const entry = await findEntry(this.#view, `${path === "/" ? "" : path}/${name}`);
      if (entry?.type !== "directory") continue;
      const goesOn = isWhole && slash >= 0;
      heap.add({
        sort: `${name}/`,
        path: entry.path,
        entry,
        isDirectory: true,
        rest: goesOn ? rest.slice(slash + 1) : undefined,
      });
    }
    if (odd >= 0) return `${part.slice(0, odd)}\x7f${filler}`;
    return slash < 0 ? part : `${part}/`;
  }

  async *#give(waiting: Waiting, { keys, collapses }: DirectoryWalk): AsyncGenerator<WalkedKey> {
    try {
      yield* this.#keysOf(waiting, keys + waiting.sort, collapses);
    } finally {
      // Until its last key is given the walk could not go on by the order of names.
      if (waiting.entry === undefined) this.#oddWaiting--;
    }
  }

  async *#keysOf(waiting: Waiting, key: string, collapses: boolean): AsyncGenerator<WalkedKey> {
    const entry = waiting.entry ?? (await this.#view.stat(waiting.path));
    if (!waiting.isDirectory) {
      yield { key, entry, isClean: false };
      return;
    }
    const { rest } = waiting;
    const inside = this.directory({ directory: entry, keys: key, rest, prefix: "", collapses: false });
    if (!collapses) {
      yield* inside;
      return;
    }
    if (rest !== undefined) {
      if (rest === "" && this.#after?.skipsPrefix === true) return;
      const { done } = await inside.next();
      await inside.return(undefined);
      if (done === true) return;
    }
    yield { key, entry: undefined, isClean: this.#oddWaiting === 0 };
  }
}

/** What no key of this name, or of one that comes later in the directory, is smaller than. */
function earliest(name: string, odd: number): string {
  const stood = name.slice(0, odd) + firstStandIn;
  return name < stood ? name : stood;
}

/** A text greater than every name smaller than `name`, and smaller than `name`. */
function before(name: string): string {
  const last = name.length - 1;
  return name.slice(0, last) + String.fromCharCode(Math.max(0, name.charCodeAt(last) - 1)) + filler;
}

/** The smallest first. */
class Heap {
  readonly #items: Waiting[] = [];

  first(): Waiting | undefined {
    return this.#items[0];
  }

  oddCount(): number {
    return this.#items.reduce((count, { entry }) => (entry === undefined ? count + 1 : count), 0);
  }

  add(item: Waiting): void {
    const items = this.#items;
    let at = items.length;
    for (; at > 0;) {
      const parent = (at - 1) >> 1;
      const above = items[parent];
      if (above === undefined || above.sort <= item.sort) break;
      items[at] = above;
      at = parent;
    }
    items[at] = item;
  }

  /** Takes the smallest; there must be one. */
  take(): Waiting {
    const items = this.#items;
    const [top] = items;
    const last = items.pop();
    if (top === undefined || last === undefined)
      throw new HoldfastError("internal", "Cannot take from a heap that is empty");
    if (items.length === 0) return top;
    let at = 0;
    for (;;) {
      const left = items[2 * at + 1];
      const right = items[2 * at + 2];
      const smaller = right !== undefined && left !== undefined && right.sort < left.sort ? right : left;
      if (smaller === undefined || smaller.sort >= last.sort) break;
      items[at] = smaller;
      at = 2 * at + (smaller === right ? 2 : 1);
    }
    items[at] = last;
    return top;
  }
}
