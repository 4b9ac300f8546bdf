import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { argon2Verify } from "hash-wasm";
import { type Clock, systemClock } from "#shared/clock.ts";
import type { AccessConfig, StoredSecret } from "./access-config.ts";
import type { AccessRules, Authorized, KeyPair } from "./access-rules.ts";
import { HashingGate } from "./hashing-gate.ts";
import type { Principal } from "./principal.ts";
import { RateLimit } from "./rate-limit.ts";

/** Passwords that were found right and need not be hashed again; the oldest is forgotten. */
const rememberedMax = 256;
/** Wrong passwords for one name from one address: so many at once, one more every three seconds, and so many wait for theirs. */
const guessing = { burst: 20, perSecond: 1 / 3, waitingMax: 3 };
/** Characters of an `Authorization` header that are looked at. */
const headerCharactersMax = 4096;

/**
 * Access rules by a configuration. Secrets are compared in constant time.
 *
 * A password that was right before lets in at once. Others are counted for each name and address before they are looked at: twenty at once, then
 * one in three seconds, for which up to three wait. So right ones are let in while somebody else guesses, unless it is this very name at this very
 * address that is guessed at all the time. Tokens are long and random, and are not counted.
 */
export function configuredAccess(config: AccessConfig, clock: Clock = systemClock): AccessRules {
  const pairs = new Map<string, KeyPair>();
  for (const { accessKeyId, secretAccessKey, name, grant } of config.s3Keys) {
    pairs.set(accessKeyId, { secretAccessKey, principal: { name, grant } });
  }
  const remember = new RightPasswords();
  const guesses = new RateLimit(clock, guessing);
  const gate = new HashingGate();
  const hashes = config.users.flatMap(({ secret }) => (secret.form === "argon2id" ? [secret.hash] : []));
  // An unknown user's password takes as long as that of a known one.
  const decoy: StoredSecret =
    hashes[0] === undefined
      ? { form: "plain", text: randomBytes(16).toString("hex") }
      : { form: "argon2id", hash: hashes[0] };

  const authorizeUser = async (name: string, password: string, address: string): Promise<Authorized> => {
    const user = config.users.find((each) => each.name === name);
    const principal = user === undefined ? undefined : { name: user.name, grant: user.grant };
    if (principal !== undefined && remember.has(name, password)) return { principal };
    const waitMs = guesses.reserve(address, name, guessing.waitingMax);
    if (waitMs === undefined) return { refusal: "guessing" };
    if (waitMs > 0) await clock.sleep(waitMs);
    const secret = user?.secret ?? decoy;
    const isRight =
      secret.form === "argon2id"
        ? await gate.run(address, memoryOf(secret.hash), () => matches(secret, password))
        : await matches(secret, password);
    if (isRight === undefined || (isRight && principal !== undefined)) guesses.giveBack(address, name);
    if (isRight === undefined) return { refusal: "busy" };
    if (principal === undefined || !isRight) return { refusal: "unknown" };
    remember.add(name, password);
    return { principal };
  };

  return {
    isOpen: false,
    async authorize(header, address) {
      if (header === undefined || header.length > headerCharactersMax) return { refusal: "unknown" };
      const basic = /^basic +([\w+/=-]+)\s*$/i.exec(header)?.[1];
      if (basic !== undefined) {
        const text = Buffer.from(basic, "base64").toString("utf8");
        const colon = text.indexOf(":");
        if (colon < 0) return { refusal: "unknown" };
        const name = text.slice(0, colon);
        const secret = text.slice(colon + 1);
        // Clients that know no Bearer give a token as the password of the user "token".
        const principal = name === "token" ? tokenOf(config, secret) : undefined;
        return principal === undefined ? authorizeUser(name, secret, address) : { principal };
      }
      const bearer = /^bearer +([\x21-\x7e]+)\s*$/i.exec(header)?.[1];
      const principal = bearer === undefined ? undefined : tokenOf(config, bearer);
      return principal === undefined ? { refusal: "unknown" } : { principal };
    },
    keyPair: (accessKeyId) => pairs.get(accessKeyId),
  };
}

/** Rules by which everybody may see everything: for a gateway that only this machine can reach. */
export const openAccess: AccessRules = {
  isOpen: true,
  authorize: () => Promise.resolve({ principal: { name: "-", grant: {} } }),
  keyPair: () => undefined,
};

/** All tokens are compared, whichever fits. */
function tokenOf(config: AccessConfig, given: string): Principal | undefined {
  let found: Principal | undefined;
  for (const { name, grant, secret } of config.tokens) {
    const wanted =
      secret.form === "sha256" ? Buffer.from(secret.hex, "hex") : digest(secret.form === "plain" ? secret.text : "");
    if (timingSafeEqual(wanted, digest(given))) found ??= { name, grant };
  }
  return found;
}

async function matches(secret: StoredSecret, given: string): Promise<boolean> {
  if (secret.form === "argon2id") return given !== "" && argon2Verify({ password: given, hash: secret.hash });
  const wanted = secret.form === "plain" ? digest(secret.text) : Buffer.from(secret.hex, "hex");
  return timingSafeEqual(wanted, digest(given));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text, "utf8").digest();
}

/** Passwords that were right, as MACs under a key that only this process has. */
class RightPasswords {
  readonly #key = randomBytes(32);
  readonly #macs = new Set<string>();

  has(name: string, password: string): boolean {
    return this.#macs.has(this.#mac(name, password));
  }

  add(name: string, password: string): void {
    this.#macs.add(this.#mac(name, password));
    for (const oldest of this.#macs) {
      if (this.#macs.size <= rememberedMax) break;
      this.#macs.delete(oldest);
    }
  }

  #mac(name: string, password: string): string {
    return createHmac("sha256", this.#key)
      .update(JSON.stringify([name, password]))
      .digest("base64");
  }
}

/** Bytes that a hash of Argon2id asks for. */
function memoryOf(hash: string): number {
  return Number(/[$,]m=(\d+)/.exec(hash)?.[1] ?? 0) * 1024;
}
