/**
 * An immutable map from ids (hexadecimal text of one length) to values: `with` and `without` give a new map and leave the old one
 * as it was, sharing all but a few small arrays.
 *
 * A trie of 16 branches per hexadecimal digit with sorted leaves of up to 16 ids. Ids are hashes or random, so it is balanced
 * without hashing; ids that were chosen to collide make it deeper, by one level per equal digit at most. About 110 bytes per
 * id of 64 digits, the id included. `get` reads, and `with` copies, O(log₁₆ size) arrays.
 */
export class IdMap<Id extends string, Value> implements Iterable<readonly [Id, Value]> {
  /** How many ids it holds. */
  readonly size: number;
  readonly #root: Node<Id, Value>;

  private constructor(root: Node<Id, Value>, size: number) {
    this.#root = root;
    this.size = size;
  }

  /** A map of nothing. */
  static empty<Id extends string, Value>(): IdMap<Id, Value> {
    return new IdMap<Id, Value>({ ids: [], values: [] }, 0);
  }

  /** The value of `id`, or undefined. */
  get(id: Id): Value | undefined {
    let node: Node<Id, Value> | undefined = this.#root;
    for (let depth = 0; node !== undefined && isBranch(node); depth++) node = node[digitAt(id, depth)];
    if (node === undefined) return undefined;
    const at = node.ids.indexOf(id);
    return at < 0 ? undefined : node.values[at];
  }

  /** Whether `id` is in it. */
  has(id: Id): boolean {
    let node: Node<Id, Value> | undefined = this.#root;
    for (let depth = 0; node !== undefined && isBranch(node); depth++) node = node[digitAt(id, depth)];
    return node !== undefined && node.ids.includes(id);
  }

  /** This map with `id` set to `value`. */
  with(id: Id, value: Value): IdMap<Id, Value> {
    return new IdMap(insert(this.#root, 0, id, value), this.has(id) ? this.size : this.size + 1);
  }

  /** This map without `id`. */
  without(id: Id): IdMap<Id, Value> {
    return this.has(id) ? new IdMap(remove(this.#root, 0, id), this.size - 1) : this;
  }

  /** All ids and values, by id in ascending order. */
  [Symbol.iterator](): Generator<readonly [Id, Value], void, undefined> {
    return walk(this.#root);
  }

  /** All ids, in ascending order. */
  *keys(): Generator<Id, void, undefined> {
    for (const [id] of this) yield id;
  }

  /** All values, by id in ascending order. */
  *values(): Generator<Value, void, undefined> {
    for (const [, value] of this) yield value;
  }
}

type Leaf<Id, Value> = { readonly ids: readonly Id[]; readonly values: readonly Value[] };
type Branch<Id, Value> = readonly (Node<Id, Value> | undefined)[];
type Node<Id, Value> = Leaf<Id, Value> | Branch<Id, Value>;

const leafLimit = 16;

function digitAt(id: string, depth: number): number {
  const code = id.charCodeAt(depth);
  return code <= 57 ? code - 48 : code - 87;
}

function isBranch<Id, Value>(node: Node<Id, Value>): node is Branch<Id, Value> {
  return Array.isArray(node);
}

function insert<Id extends string, Value>(
  node: Node<Id, Value> | undefined,
  depth: number,
  id: Id,
  value: Value,
): Node<Id, Value> {
  if (node === undefined) return { ids: [id], values: [value] };
  if (isBranch(node)) {
    const digit = digitAt(id, depth);
    const branch = node.slice();
    branch[digit] = insert(branch[digit], depth + 1, id, value);
    return branch;
  }
  const found = node.ids.indexOf(id);
  if (found >= 0) return { ids: node.ids, values: node.values.with(found, value) };
  if (node.ids.length >= leafLimit) return insert(split(node, depth), depth, id, value);
  let at = node.ids.length;
  while (at > 0 && (node.ids[at - 1] ?? "") > id) at--;
  return { ids: node.ids.toSpliced(at, 0, id), values: node.values.toSpliced(at, 0, value) };
}

function split<Id extends string, Value>(leaf: Leaf<Id, Value>, depth: number): Branch<Id, Value> {
  const leaves: ({ ids: Id[]; values: Value[] } | undefined)[] = Array.from({ length: 16 }, () => undefined);
  for (const [index, value] of leaf.values.entries()) {
    const id = leaf.ids[index];
    if (id === undefined) break;
    const digit = digitAt(id, depth);
    const child = (leaves[digit] ??= { ids: [], values: [] });
    child.ids.push(id);
    child.values.push(value);
  }
  return leaves;
}

function remove<Id extends string, Value>(node: Node<Id, Value>, depth: number, id: Id): Node<Id, Value> {
  if (isBranch(node)) {
    const digit = digitAt(id, depth);
    const child = node[digit];
    return child === undefined ? node : node.with(digit, remove(child, depth + 1, id));
  }
  const at = node.ids.indexOf(id);
  return at < 0 ? node : { ids: node.ids.toSpliced(at, 1), values: node.values.toSpliced(at, 1) };
}

function* walk<Id, Value>(node: Node<Id, Value>): Generator<readonly [Id, Value], void, undefined> {
  if (isBranch(node)) {
    for (const child of node) if (child !== undefined) yield* walk(child);
    return;
  }
  for (const [index, value] of node.values.entries()) {
    const id = node.ids[index];
    if (id !== undefined) yield [id, value];
  }
}
