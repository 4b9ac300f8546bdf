import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makePath } from "#agent/filesystem/make-path.ts";
import { binaryPath } from "#agent/filesystem/node-path.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { decodeKnownLeaves, encodeKnownLeaves, type KnownLeaves } from "#shared/operations/backup/known-leaves.ts";
import type { TreeMemory } from "#shared/operations/backup/tree-memory.ts";

/** Bytes of a file of known leaves at most: those of trees of some hundred million entries are not kept. */
const fileMaxBytes = 128 * 1024 * 1024;

const directoryName = "leaves";

/** Forgets all trees, so that the next backups go through theirs again: to be called where a store was found damaged. */
export function forgetTrees(cacheDirectory: string): void {
  try {
    rmSync(join(cacheDirectory, directoryName), { recursive: true, force: true });
  } catch {
    // What is remembered is left to its age.
  }
}

/**
 * Known leaves as files of the agent's cache directory, one for each store and root.
 *
 * A file that is missing, damaged or cannot be written costs the next backup some time, nothing else.
 *
 * @param storeName - what tells this store from others before it is opened
 */
export function treeMemoryFiles(cacheDirectory: string, storeName: string): TreeMemory {
  const directory = join(cacheDirectory, directoryName);
  const recalled = new Map<string, KnownLeaves | undefined>();
  const pathOf = (root: string): string =>
    join(directory, encodeHex(sha256(Buffer.from(`${storeName}\0${root}`, "utf8"))).slice(0, 32));
  return {
    recall(root) {
      if (!recalled.has(root)) recalled.set(root, read(pathOf(root)));
      return recalled.get(root);
    },
    remember(root, leaves) {
      recalled.set(root, leaves);
      const path = pathOf(root);
      const temporary = `${path}.${process.pid}`;
      try {
        const bytes = encodeKnownLeaves(leaves);
        if (bytes.byteLength > fileMaxBytes) return;
        makePath(binaryPath(directory), 0o700);
        writeFileSync(temporary, bytes, { mode: 0o600 });
        renameSync(temporary, path);
      } catch {
        rmSync(temporary, { force: true });
      }
    },
  };
}

function read(path: string): KnownLeaves | undefined {
  try {
    return statSync(path).size > fileMaxBytes ? undefined : decodeKnownLeaves(readFileSync(path));
  } catch {
    return undefined;
  }
}
