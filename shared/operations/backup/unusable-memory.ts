/**
 * What a backup builds on of its memory of a tree was found not to hold: the tree is to be gone through without it. The backup meets this itself;
 * nobody else sees it.
 */
export class UnusableMemory extends Error {
  override readonly name = "UnusableMemory";
}
