import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The SHA-256 of the content of each file of a tree, by its path below the root. */
export type TreeContent = ReadonlyMap<string, string>;

/** What everybody in a soak was told and did: what must hold at its end follows from it. */
export class SoakLedger {
  /** What each acknowledged snapshot must restore to. */
  readonly acknowledged = new Map<string, TreeContent>();
  /** What backups that were killed would have made of each source: they may have been published all the same. */
  readonly perhaps = new Map<string, TreeContent[]>();
  /** Snapshots that somebody may have removed. */
  readonly perhapsRemoved = new Set<string>();
  /** How often what happened. */
  readonly counts = new Map<string, number>();
  /** What went wrong. */
  readonly failures: string[] = [];

  /** Counts something. */
  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }
}

/** Writes a tree: files that are not in it go. */
export function writeTree(root: string, files: ReadonlyMap<string, Uint8Array>): void {
  rmSync(root, { recursive: true, force: true });
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), bytes);
  }
}

/** Reads a tree back. */
export function treeContent(root: string): TreeContent {
  const content = new Map<string, string>();
  for (const each of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!each.isFile()) continue;
    const path = join(each.parentPath, each.name);
    content.set(path.slice(root.length + 1), createHash("sha256").update(readFileSync(path)).digest("hex"));
  }
  return content;
}

/** What differs between two trees, or undefined. */
export function differenceOf(expected: TreeContent, found: TreeContent): string | undefined {
  for (const [path, hash] of expected) if (found.get(path) !== hash) return `${path} is missing or another`;
  for (const path of found.keys()) if (!expected.has(path)) return `${path} should not be there`;
  return undefined;
}
