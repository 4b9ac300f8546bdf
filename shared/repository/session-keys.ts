import { openWith } from "#shared/crypto/hpke.ts";
import { sealTo } from "#shared/crypto/hpke.ts";
import type { HpkeKeyPair } from "#shared/crypto/hpke-key-pair.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import type { SessionEnvelope } from "#shared/format/state.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { Random } from "#shared/random.ts";

/** Binds a session envelope to its store and session. */
function envelopeInfo(storeId: Uint8Array, sessionId: Uint8Array): Uint8Array {
  return concatBytes(Buffer.from("holdfast/v1/session\0", "latin1"), storeId, sessionId);
}

/** The key of a session that begins, and what tells of it to the holder of the store's key. */
export type DrawnSession = SessionEnvelope & { readonly sessionKey: Uint8Array };

/** Draws the key of a session that writes to a store, and seals it to the store's public key. @see RFC 9180 */
export async function drawSession(repository: {
  readonly config: { readonly publicKey: Uint8Array };
  readonly storeIdBytes: Uint8Array;
  readonly random: Random;
}): Promise<DrawnSession> {
  const { config, storeIdBytes, random } = repository;
  const sessionId = random(16);
  const sessionKey = random(32);
  const envelope = await sealTo(config.publicKey, envelopeInfo(storeIdBytes, sessionId), sessionKey);
  return { sessionId, sessionKey, envelope };
}

/**
 * The session keys of a store: known ones, and those whose envelope an owner opens on demand.
 *
 * Memory: an envelope or a key per session.
 */
export class SessionKeys {
  readonly #storeId: Uint8Array;
  readonly #keyPair: HpkeKeyPair | undefined;
  readonly #envelopes = new Map<string, SessionEnvelope>();
  readonly #keys = new Map<string, Uint8Array>();

  constructor(storeId: Uint8Array, keyPair: HpkeKeyPair | undefined) {
    this.#storeId = storeId;
    this.#keyPair = keyPair;
  }

  /** Learns of a session from a state. */
  addEnvelope(envelope: SessionEnvelope): void {
    const name = encodeHex(envelope.sessionId);
    if (!this.#keys.has(name)) this.#envelopes.set(name, envelope);
  }

  /** Learns the key of a session that this process began. */
  addKey(sessionId: Uint8Array, key: Uint8Array): void {
    this.#keys.set(encodeHex(sessionId), key);
  }

  /** The key if it is at hand, without waiting. */
  known(sessionId: Uint8Array): Uint8Array | undefined {
    return this.#keys.get(encodeHex(sessionId));
  }

  /**
   * The key of a session.
   *
   * @throws {HoldfastError} denied: only an owner may read that session
   * @throws {HoldfastError} corrupt: no state tells of that session, or its envelope does not open
   */
  async key(sessionId: Uint8Array): Promise<Uint8Array> {
    const name = encodeHex(sessionId);
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    const envelope = this.#envelopes.get(name);
    if (envelope === undefined)
      throw new HoldfastError("corrupt", `Cannot find the key of session ${name}: no state tells of it`);
    if (this.#keyPair === undefined) {
      throw new HoldfastError("denied", "Cannot read what another session stored: this key may only write", {
        hint: "Use an owner's passphrase or key file.",
      });
    }
    const key = await openWith(this.#keyPair, envelopeInfo(this.#storeId, envelope.sessionId), envelope.envelope);
    if (key.byteLength !== 32)
      throw new HoldfastError("corrupt", `Cannot use the key of session ${name}: it has the wrong length`);
    this.#keys.set(name, key);
    return key;
  }
}
