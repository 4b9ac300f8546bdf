import { createCipheriv, createHmac, createPrivateKey, createPublicKey, diffieHellman } from "node:crypto";
import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { deriveHpkeKeyPair } from "#shared/crypto/hpke-key-pair.ts";

const empty = new Uint8Array(0);
const ascii = (text: string): Uint8Array => Buffer.from(text, "ascii");
const kemSuite = concatBytes(ascii("KEM"), Uint8Array.of(0x00, 0x20));
const hpkeSuite = concatBytes(ascii("HPKE"), Uint8Array.of(0x00, 0x20, 0x00, 0x01, 0x00, 0x03));

/**
 * HPKE in base mode with an ephemeral key that follows from a seed, by RFC 9180 word for word: what `sealTo` does, without its
 * randomness and without its library.
 */
export async function sealToSeeded(options: {
  readonly publicKey: Uint8Array;
  readonly info: Uint8Array;
  readonly plaintext: Uint8Array;
  readonly ephemeralSeed: Uint8Array;
}): Promise<Uint8Array<ArrayBuffer>> {
  const { publicKey, info, plaintext, ephemeralSeed } = options;
  const ephemeral = await deriveHpkeKeyPair(ephemeralSeed);
  const dh = diffieHellman({
    privateKey: createPrivateKey({
      key: der("302e020100300506032b656e04220420", ephemeral.privateKey),
      format: "der",
      type: "pkcs8",
    }),
    publicKey: createPublicKey({ key: der("302a300506032b656e032100", publicKey), format: "der", type: "spki" }),
  });
  const kemContext = concatBytes(ephemeral.publicKey, publicKey);
  const shared = expand(kemSuite, extract(kemSuite, empty, "eae_prk", dh), "shared_secret", kemContext, 32);
  const context = concatBytes(
    Uint8Array.of(0),
    extract(hpkeSuite, empty, "psk_id_hash", empty),
    extract(hpkeSuite, empty, "info_hash", info),
  );
  const secret = extract(hpkeSuite, shared, "secret", empty);
  const key = expand(hpkeSuite, secret, "key", context, 32);
  const nonce = expand(hpkeSuite, secret, "base_nonce", context, 12);
  const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 });
  return concatBytes(ephemeral.publicKey, cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
}

function der(prefix: string, key: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(prefix, "hex"), key]);
}

/** LabeledExtract, RFC 9180 section 4. */
function extract(suite: Uint8Array, salt: Uint8Array, label: string, ikm: Uint8Array): Uint8Array {
  const key = salt.byteLength === 0 ? new Uint8Array(32) : salt;
  return createHmac("sha256", key)
    .update(concatBytes(ascii("HPKE-v1"), suite, ascii(label), ikm))
    .digest();
}

/** LabeledExpand, RFC 9180 section 4, for at most 32 bytes. */
function expand(suite: Uint8Array, key: Uint8Array, label: string, info: Uint8Array, lengthBytes: number): Uint8Array {
  const labeled = concatBytes(Uint8Array.of(0, lengthBytes), ascii("HPKE-v1"), suite, ascii(label), info);
  return createHmac("sha256", key)
    .update(concatBytes(labeled, Uint8Array.of(1)))
    .digest()
    .subarray(0, lengthBytes);
}
