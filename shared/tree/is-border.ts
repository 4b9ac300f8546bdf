/** Entries in a leaf, and children of an inner node, on average. */
export const treeFanOut = 256;
/** Entries or children after which a node is closed whatever their keys. */
export const treeNodeItemsMax = 2048;

/**
 * Whether a node of `level` ends after the item with this key.
 *
 * Depends on the key alone, so that the same keys give the same nodes whatever their history. One of 256 keys is a border of
 * a leaf, one of 256 of those also of the level above, and so on.
 *
 * @see Auvolat & Taïani, "Merkle Search Trees"; FORMAT.md, Tree
 */
export function isBorder(dir: string, name: string, level: number): boolean {
  let hash = 0x811c9dc5;
  for (let index = 0; index < dir.length; index++) hash = Math.imul(hash ^ dir.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ 0x2f, 0x01000193);
  for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16) ^ Math.imul(level, 0x9e3779b1), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) & (treeFanOut - 1)) === 0;
}
