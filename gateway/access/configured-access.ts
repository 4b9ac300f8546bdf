import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { argon2Verify } from "hash-wasm";
import type { AccessConfig, StoredSecret } from "./access-config.ts";
import type { AccessRules, KeyPair } from "./access-rules.ts";
import type { Principal } from "./principal.ts";

/** Passwords that were found right and need not be hashed again; the oldest is forgotten. */
const rememberedMax = 256;
/** Passwords that are hashed at once; those beyond `waitingMax` are refused. */
const hashingMax = 2;
const waitingMax = 32;
/** Characters of an `Authorization` header that are looked at. */
const headerCharactersMax = 4096;

/** Access rules by a configuration. Secrets are compared in constant time. */
export function configuredAccess(config: AccessConfig): AccessRules {
  const pairs = new Map<string, KeyPair>();
  for (const { accessKeyId, secretAccessKey, name, grant } of config.s3Keys) {
    pairs.set(accessKeyId, { secretAccessKey, principal: { name, grant } });
  }
  const remember = new RightPasswords();
  const gate = new Gate();
  const hashes = config.users.flatMap(({ secret }) => (secret.form === "argon2id" ? [secret.hash] : []));
  // An unknown user's password takes as long as that of a known one.
  const decoy: StoredSecret =
    hashes[0] === undefined
      ? { form: "plain", text: randomBytes(16).toString("hex") }
      : { form: "argon2id", hash: hashes[0] };

  const authorizeUser = async (name: string, password: string): Promise<Principal | undefined> => {
    const user = config.users.find((each) => each.name === name);
    const principal = user === undefined ? undefined : { name: user.name, grant: user.grant };
    if (principal !== undefined && remember.has(name, password)) return principal;
    const isRight = await gate.run(() => matches(user?.secret ?? decoy, password));
    if (principal === undefined || isRight !== true) return undefined;
    remember.add(name, password);
    return principal;
  };

  return {
    isOpen: false,
    async authorize(header) {
      if (header === undefined || header.length > headerCharactersMax) return undefined;
      const basic = /^basic +([\w+/=-]+)\s*$/i.exec(header)?.[1];
      if (basic !== undefined) {
        const text = Buffer.from(basic, "base64").toString("utf8");
        const colon = text.indexOf(":");
        if (colon < 0) return undefined;
        const name = text.slice(0, colon);
        const secret = text.slice(colon + 1);
        // Clients that know no Bearer give a token as the password of the user "token".
        return (await authorizeUser(name, secret)) ?? (name === "token" ? tokenOf(config, secret) : undefined);
      }
      const bearer = /^bearer +([\x21-\x7e]+)\s*$/i.exec(header)?.[1];
      return bearer === undefined ? undefined : tokenOf(config, bearer);
    },
    keyPair: (accessKeyId) => pairs.get(accessKeyId),
  };
}

/** Rules by which everybody may see everything: for a gateway that only this machine can reach. */
export const openAccess: AccessRules = {
  isOpen: true,
  authorize: () => Promise.resolve({ name: "-", grant: {} }),
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

/** Lets few pieces of heavy work run at once, and refuses those that would wait too long. */
class Gate {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** What the work comes to; undefined: it was refused. */
  async run<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    if (this.#running >= hashingMax) {
      if (this.#waiting.length >= waitingMax) return undefined;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#running++;
    try {
      return await work();
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }
}
