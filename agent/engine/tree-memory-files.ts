import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { makePath } from "#agent/filesystem/make-path.ts";
import { binaryPath } from "#agent/filesystem/node-path.ts";
import { cacheKey } from "#agent/config/cache-key.ts";
import { replacePrivateFile } from "#agent/config/replace-private-file.ts";
import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { open, seal, sealNonceBytes } from "#shared/crypto/seal.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { decodeKnownLeaves, encodeKnownLeaves, type KnownLeaves } from "#shared/operations/backup/known-leaves.ts";
import type { TreeMemory } from "#shared/operations/backup/tree-memory.ts";
import { isHoldfastError } from "#shared/errors.ts";
import { systemRandom } from "#shared/random.ts";
import type { SpareCache } from "./spare-cache.ts";

/** Bytes of a file of known leaves at most: those of trees of some hundred million entries are not kept. */
const fileMaxBytes = 128 * 1024 * 1024;

const directoryName = "leaves";

/** Forgets all trees, so that the next backups go through theirs again: to be called where a store was found damaged. */
export function forgetTrees(cacheDirectory: string, cache: SpareCache): void {
  cache.attempt(() => rmSync(join(cacheDirectory, directoryName), { recursive: true, force: true }));
}

const encoder = new TextEncoder();

/**
 * Known leaves as files of the agent's cache directory, one for each store and root, sealed under a key of this agent: they hold names.
 *
 * A file that is missing, damaged or cannot be written costs the next backup some time, nothing else.
 *
 * @param files - takes what goes wrong with the files
 * @param storeName - what tells this store from others before it is opened
 */
export function treeMemoryFiles(
  { cache, data }: { readonly cache: string; readonly data: string },
  storeName: string,
  files: SpareCache,
): TreeMemory {
  const directory = join(cache, directoryName);
  const recalled = new Map<string, KnownLeaves | undefined>();
  const nameOf = (root: string): string => encodeHex(sha256(Buffer.from(`${storeName}\0${root}`, "utf8"))).slice(0, 32);
  return {
    recall(root) {
      if (!recalled.has(root))
        recalled.set(
          root,
          files.attempt(() => read(directory, nameOf(root), cacheKey(data))),
        );
      return recalled.get(root);
    },
    remember(root, leaves) {
      recalled.set(root, leaves);
      const name = nameOf(root);
      const path = join(directory, name);
      const key = cacheKey(data);
      if (key === undefined) return;
      files.attempt(() => {
        const nonce = systemRandom(sealNonceBytes);
        const bytes = concatBytes(nonce, seal({ key, nonce, aad: encoder.encode(name) }, encodeKnownLeaves(leaves)));
        if (bytes.byteLength > fileMaxBytes) return;
        makePath(binaryPath(directory), 0o700);
        replacePrivateFile(path, bytes);
      });
    },
  };
}

/** @throws what the file system says */
function read(directory: string, name: string, key: Uint8Array | undefined): KnownLeaves | undefined {
  const path = join(directory, name);
  if (key === undefined || statSync(path).size > fileMaxBytes) return undefined;
  const bytes = readFileSync(path);
  const nonce = bytes.subarray(0, sealNonceBytes);
  try {
    return decodeKnownLeaves(open({ key, nonce, aad: encoder.encode(name) }, bytes.subarray(sealNonceBytes)));
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    return undefined; // damaged, or of another agent
  }
}
