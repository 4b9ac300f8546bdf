import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { deriveKey } from "#shared/crypto/derive-key.ts";
import { signingSeedBytes } from "#shared/crypto/signing.ts";

/**
 * The key under which this agent seals what it caches of names: derived from its identity, so that a cache that is copied or shared
 * says nothing by itself.
 *
 * @returns 32 bytes; undefined before the agent has an identity, or where that cannot be trusted
 */
export function cacheKey(dataDirectory: string): Uint8Array | undefined {
  const path = join(dataDirectory, "agent-identity");
  try {
    if ((statSync(path).mode & 0o077) !== 0) return undefined;
    const seed = readFileSync(path);
    return seed.byteLength === signingSeedBytes ? deriveKey(seed, "holdfast/v1/agent-cache") : undefined;
  } catch {
    return undefined;
  }
}
