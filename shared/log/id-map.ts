import { concatBytes } from "#shared/bytes/concat-bytes.ts";

/**
 * An immutable map from ids (hexadecimal text of one even length) to values: `with` and `without` give a new map and leave the old one
 * as it was, sharing all but a few small arrays.
 *
 * A trie of four branches, two bits of the id a level, with sorted leaves of up to 128 ids whose bytes lie one behind the other. Ids are
 * hashes or random, so it is balanced without hashing; ids that were chosen to collide make it deeper, by one level for two equal bits
 * at most. About 50 bytes an id of 32 bytes. `get` reads, and `with` copies, O(log₄ size) arrays; for many ids at once there are
 * `withAll` and `withoutAll`, which copy each of them once.
 */
export class IdMap<Id extends string, Value> implements Iterable<readonly [Id, Value]> {
  /** How many ids it holds. */
  readonly size: number;
  readonly #root: Node<Value>;

  private constructor(root: Node<Value>, size: number) {
    this.#root = root;
    this.size = size;
  }

  /** A map of nothing. */
  static empty<Id extends string, Value>(): IdMap<Id, Value> {
    return new IdMap<Id, Value>(emptyLeaf, 0);
  }

  /**
   * The map of ids whose bytes lie one behind the other in `ids`, strictly ascending.
   *
   * @param values - one for each
   */
  static ofAscending<Id extends string, Value>(ids: Uint8Array, values: readonly Value[]): IdMap<Id, Value> {
    if (values.length === 0) return IdMap.empty();
    const run = { ids, values, idBytes: ids.byteLength / values.length };
    return new IdMap(grow(run, 0, values.length, 0), values.length);
  }

  /** The value of `id`, or undefined. */
  get(id: Id): Value | undefined {
    const leaf = this.#leafOf(id);
    const at = placeIn(leaf, id.length >>> 1);
    return at < 0 ? undefined : leaf.values[at];
  }

  /** Whether `id` is in it. */
  has(id: Id): boolean {
    return placeIn(this.#leafOf(id), id.length >>> 1) >= 0;
  }

  /** This map with `id` set to `value`. */
  with(id: Id, value: Value): IdMap<Id, Value> {
    return this.withAll([id], value);
  }

  /** This map without `id`. */
  without(id: Id): IdMap<Id, Value> {
    return this.withoutAll([id]);
  }

  /** This map with each of `ids` set to `value`. */
  withAll(ids: readonly Id[], value: Value): IdMap<Id, Value> {
    if (ids.length === 0) return this;
    const run = ascendingRun(ids, value);
    const count = { added: 0 };
    const root = merge(this.#root, run, { from: 0, to: run.values.length, depth: 0 }, count);
    return new IdMap(root, this.size + count.added);
  }

  /** This map without each of `ids`. */
  withoutAll(ids: readonly Id[]): IdMap<Id, Value> {
    if (ids.length === 0 || this.size === 0) return this;
    const run = ascendingRun(ids, undefined);
    const count = { added: 0 };
    const root = drop(this.#root, run, { from: 0, to: run.values.length, depth: 0 }, count);
    return count.added === 0 ? this : new IdMap(root, this.size + count.added);
  }

  /** Calls `visit` for each id in ascending order: its bytes stand in `ids` from `at` on, and are not to be kept or changed. */
  forEachBytes(visit: (ids: Uint8Array, at: number, value: Value) => void): void {
    for (const { ids, values } of leavesOf(this.#root)) {
      const idBytes = ids.byteLength / values.length;
      for (const [index, value] of values.entries()) visit(ids, index * idBytes, value);
    }
  }

  /** All ids and values, by id in ascending order. */
  *[Symbol.iterator](): Generator<readonly [Id, Value], void, undefined> {
    for (const { ids, values } of leavesOf(this.#root)) {
      const bytes = Buffer.from(ids.buffer, ids.byteOffset, ids.byteLength);
      const idBytes = ids.byteLength / values.length;
      for (const [index, value] of values.entries())
        yield [bytes.toString("hex", index * idBytes, (index + 1) * idBytes) as Id, value];
    }
  }

  /** All ids, in ascending order. */
  *keys(): Generator<Id, void, undefined> {
    for (const [id] of this) yield id;
  }

  /** All values, by id in ascending order. */
  *values(): Generator<Value, void, undefined> {
    for (const { values } of leavesOf(this.#root)) yield* values;
  }

  /** The leaf where `id` belongs; its bytes are in `sought` then. */
  #leafOf(id: Id): Leaf<Value> {
    if (id.length > sought.byteLength * 2) sought = Buffer.alloc(id.length);
    sought.write(id, "hex");
    let node = this.#root;
    for (let depth = 0; isBranch(node); depth++) node = node[digitAt(sought, 0, depth)] ?? emptyLeaf;
    return node;
  }
}

/** `ids`: their bytes, ascending; `values`: one each. */
type Leaf<Value> = { readonly ids: Uint8Array; readonly values: readonly Value[] };
/** Four nodes, by the next two bits. */
type Branch<Value> = readonly Node<Value>[];
type Node<Value> = Leaf<Value> | Branch<Value>;
/** Ids to be put in or taken out, strictly ascending. */
type Run<Value> = Leaf<Value> & { readonly idBytes: number };
/** Rows of a run that belong to a node at some depth. */
type Part = { readonly from: number; readonly to: number; readonly depth: number };

const leafLimit = 128;
/** Branches that hold no more become a leaf again. */
const joinLimit = 48;
const emptyLeaf: Leaf<never> = { ids: new Uint8Array(0), values: [] };
/** The bytes of the id that is looked for. */
let sought = Buffer.alloc(32);

function digitAt(ids: Uint8Array, at: number, depth: number): number {
  return ((ids[at + (depth >>> 2)] ?? 0) >>> (6 - 2 * (depth & 3))) & 3;
}

function isBranch<Value>(node: Node<Value>): node is Branch<Value> {
  return Array.isArray(node);
}

/** The ids, each once, as bytes. */
function ascendingRun<Value>(ids: readonly string[], value: Value): Run<Value> {
  const texts = ids.length === 1 ? ids : ids.toSorted();
  const idBytes = (texts[0]?.length ?? 0) >>> 1;
  const bytes = Buffer.alloc(texts.length * idBytes);
  let count = 0;
  let before: string | undefined;
  for (const text of texts) {
    if (text !== before) bytes.write(text, count++ * idBytes, "hex");
    before = text;
  }
  return { ids: bytes, values: Array.from({ length: count }, () => value), idBytes };
}

/** Where the id in `sought` stands in a leaf, or -1. */
function placeIn<Value>({ ids, values }: Leaf<Value>, idBytes: number): number {
  if (ids.byteLength !== values.length * idBytes) return -1;
  let low = 0;
  let high = values.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const order = compare(ids, middle * idBytes, sought, 0, idBytes);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

function compare(left: Uint8Array, leftAt: number, right: Uint8Array, rightAt: number, bytes: number): number {
  for (let index = 0; index < bytes; index++) {
    const order = (left[leftAt + index] ?? 0) - (right[rightAt + index] ?? 0);
    if (order !== 0) return order;
  }
  return 0;
}

/** A node of rows of a run. */
function grow<Value>(run: Run<Value>, from: number, to: number, depth: number): Node<Value> {
  if (to - from > leafLimit)
    return partsOf(run, { from, to, depth }).map((part) => grow(run, part.from, part.to, part.depth));
  if (from === to) return emptyLeaf;
  return { ids: copyOf(run.ids, from * run.idBytes, to * run.idBytes), values: run.values.slice(from, to) };
}

/** The parts for the four branches of a node: rows ascend, so each is a stretch. */
function partsOf<Value>({ ids, idBytes }: Run<Value>, { from, to, depth }: Part): Part[] {
  const parts: Part[] = [];
  let begin = from;
  for (let digit = 0; digit < 4; digit++) {
    let low = begin;
    let high = to;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (digitAt(ids, middle * idBytes, depth) <= digit) low = middle + 1;
      else high = middle;
    }
    parts.push({ from: begin, to: low, depth: depth + 1 });
    begin = low;
  }
  return parts;
}

function merge<Value>(node: Node<Value>, run: Run<Value>, part: Part, count: { added: number }): Node<Value> {
  const { from, to, depth } = part;
  if (from === to) return node;
  if (isBranch(node)) {
    const branch = node.slice();
    for (const [digit, each] of partsOf(run, part).entries())
      if (each.from < each.to) branch[digit] = merge(branch[digit] ?? emptyLeaf, run, each, count);
    return branch;
  }
  const { idBytes } = run;
  if (node.values.length > 0 && node.ids.byteLength !== node.values.length * idBytes)
    throw new RangeError("Cannot put ids of different lengths in one map");
  const ids = new Uint8Array(node.ids.byteLength + (to - from) * idBytes);
  const values: Value[] = [];
  const take = ({ ids: source, values: taken }: Leaf<Value>, row: number): void => {
    for (let index = 0; index < idBytes; index++)
      ids[values.length * idBytes + index] = source[row * idBytes + index] ?? 0;
    const value = taken[row];
    if (value !== undefined) values.push(value);
  };
  let old = 0;
  for (let row = from; row < to;) {
    const order = old < node.values.length ? compare(node.ids, old * idBytes, run.ids, row * idBytes, idBytes) : 1;
    if (order < 0) take(node, old++);
    else {
      if (order === 0) old++;
      take(run, row++);
    }
  }
  while (old < node.values.length) take(node, old++);
  count.added += values.length - node.values.length;
  const whole = values.length * idBytes === ids.byteLength ? ids : copyOf(ids, 0, values.length * idBytes);
  if (values.length <= leafLimit) return { ids: whole, values };
  return grow({ ids: whole, values, idBytes }, 0, values.length, depth);
}

function drop<Value>(node: Node<Value>, run: Run<undefined>, part: Part, count: { added: number }): Node<Value> {
  const { from, to } = part;
  if (from === to) return node;
  const { idBytes } = run;
  if (isBranch(node)) {
    const before = count.added;
    const branch = node.slice();
    for (const [digit, each] of partsOf(run, part).entries())
      if (each.from < each.to) branch[digit] = drop(branch[digit] ?? emptyLeaf, run, each, count);
    return count.added === before ? node : joined(branch);
  }
  if (node.ids.byteLength !== node.values.length * idBytes) return node;
  const kept = new Uint8Array(node.ids.byteLength);
  const values: Value[] = [];
  let row = from;
  for (const [old, value] of node.values.entries()) {
    let order = -1;
    while (row < to && (order = compare(run.ids, row * idBytes, node.ids, old * idBytes, idBytes)) < 0) row++;
    if (row < to && order === 0) row++;
    else {
      kept.set(node.ids.subarray(old * idBytes, (old + 1) * idBytes), values.length * idBytes);
      values.push(value);
    }
  }
  if (values.length === node.values.length) return node;
  count.added += values.length - node.values.length;
  return values.length === 0 ? emptyLeaf : { ids: copyOf(kept, 0, values.length * idBytes), values };
}

/** A copy that is no view: a small one must not keep a large one in memory. */
function copyOf(ids: Uint8Array, from: number, to: number): Uint8Array {
  return new Uint8Array(ids.subarray(from, to));
}

/** The branch, or one leaf instead where little is left. */
function joined<Value>(branch: Branch<Value>): Node<Value> {
  let size = 0;
  for (const child of branch) {
    if (isBranch(child)) return branch;
    size += child.values.length;
  }
  if (size > joinLimit) return branch;
  const leaves = [...leavesOf(branch)];
  return { ids: concatBytes(...leaves.map((each) => each.ids)), values: leaves.flatMap((each) => each.values) };
}

function* leavesOf<Value>(node: Node<Value>): Generator<Leaf<Value>, void, undefined> {
  if (isBranch(node)) for (const child of node) yield* leavesOf(child);
  else if (node.values.length > 0) yield node;
}
