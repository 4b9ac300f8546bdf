import { argon2id } from "hash-wasm";
import { randomBytes } from "node:crypto";
import { defaultPassphraseCost } from "#shared/crypto/passphrase.ts";

/** What the access file of a mount keeps of a password: an Argon2id hash in PHC form, `$argon2id$v=19$…`. @see RFC 9106 */
export async function passwordHash(password: string): Promise<string> {
  const { memoryKiB, passes, parallelism } = defaultPassphraseCost;
  return argon2id({
    password,
    salt: randomBytes(16),
    memorySize: memoryKiB,
    iterations: passes,
    parallelism,
    hashLength: 32,
    outputType: "encoded",
  });
}
