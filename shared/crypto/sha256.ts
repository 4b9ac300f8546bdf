import { createHash } from "node:crypto";

/** An incremental SHA-256. `digest` ends it: neither method may be called afterwards. */
export type Sha256 = {
  update(data: Uint8Array): void;
  /** The 32-byte hash of everything given to `update`, in a buffer of its own. */
  digest(): Uint8Array<ArrayBuffer>;
};

/** SHA-256 of the concatenation of `parts`, 32 bytes. Source: FIPS 180-4. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const hash = createSha256();
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** Starts an incremental SHA-256. */
export function createSha256(): Sha256 {
  const hash = createHash("sha256");
  return {
    update: (data) => void hash.update(data),
    digest: () => new Uint8Array(hash.digest()),
  };
}
