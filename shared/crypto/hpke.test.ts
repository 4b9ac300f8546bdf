import { createCipheriv, createHmac, createPrivateKey, createPublicKey, diffieHellman } from "node:crypto";
import { describe, expect, test } from "vitest";
import { deriveHpkeKeyPair } from "./hpke-key-pair.ts";
import { hpkeSuite } from "./hpke-suite.ts";
import { hpkeOverheadBytes, openWith, sealTo } from "./hpke.ts";
import { hex, readJudge } from "./judge.testing.ts";
import type { Wycheproof } from "./judge.testing.ts";

// RFC 9180 appendix A.2.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305, base mode.
const vector = {
  info: hex("4f6465206f6e2061204772656369616e2055726e"),
  ephemeralSeed: hex("909a9b35d3dc4713a5e72a4da274b55d3d3821a37e5d099e74a647db583a904b"),
  ephemeralPrivate: hex("f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600"),
  recipientSeed: hex("1ac01f181fdf9f352797655161c58b75c656a6cc2716dcb66372da835542e1df"),
  recipientPublic: hex("4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a"),
  recipientPrivate: hex("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb"),
  encapsulated: hex("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a"),
  plaintext: hex("4265617574792069732074727574682c20747275746820626561757479"),
  messages: [
    {
      aad: hex("436f756e742d30"),
      ciphertext: hex("1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28"),
    },
    {
      aad: hex("436f756e742d31"),
      ciphertext: hex("6b53c051e4199c518de79594e1c4ab18b96f081549d45ce015be002090bb119e85285337cc95ba5f59992dc98c"),
    },
    {
      aad: hex("436f756e742d32"),
      ciphertext: hex("71146bd6795ccc9c49ce25dda112a48f202ad220559502cef1f34271e0cb4b02b4f10ecac6f48c32f878fae86b"),
    },
  ],
};

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const recipient = { privateKey: vector.recipientPrivate, publicKey: vector.recipientPublic };

/** The sender of RFC 9180 in base mode, first message, written out: the readable twin of the library. */
async function sealByTheBook(
  recipientPublic: Uint8Array,
  ephemeralSeed: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
) {
  const kem = Buffer.concat([ascii("KEM"), hex("0020")]);
  const suite = Buffer.concat([ascii("HPKE"), hex("002000010003")]);
  const extract = (id: Uint8Array, salt: Uint8Array, label: string, key: Uint8Array) =>
    createHmac("sha256", salt)
      .update(Buffer.concat([ascii("HPKE-v1"), id, ascii(label), key]))
      .digest();
  const expand = (id: Uint8Array, key: Uint8Array, label: string, context: Uint8Array, length: number) => {
    // HKDF-Expand alone: one or two rounds of HMAC.
    const labelled = Buffer.concat([
      new Uint8Array([length >> 8, length & 255]),
      ascii("HPKE-v1"),
      id,
      ascii(label),
      context,
    ]);
    return createHmac("sha256", key).update(labelled).update(hex("01")).digest().subarray(0, length);
  };
  const ephemeral = await deriveHpkeKeyPair(ephemeralSeed);
  const dh = diffieHellman({
    privateKey: createPrivateKey({
      key: Buffer.concat([hex("302e020100300506032b656e04220420"), ephemeral.privateKey]),
      format: "der",
      type: "pkcs8",
    }),
    publicKey: createPublicKey({
      key: Buffer.concat([hex("302a300506032b656e032100"), recipientPublic]),
      format: "der",
      type: "spki",
    }),
  });
  const none = new Uint8Array();
  const shared = expand(
    kem,
    extract(kem, none, "eae_prk", dh),
    "shared_secret",
    Buffer.concat([ephemeral.publicKey, recipientPublic]),
    32,
  );
  const context = Buffer.concat([
    hex("00"),
    extract(suite, none, "psk_id_hash", none),
    extract(suite, none, "info_hash", info),
  ]);
  const secret = extract(suite, shared, "secret", none);
  const cipher = createCipheriv(
    "chacha20-poly1305",
    expand(suite, secret, "key", context, 32),
    expand(suite, secret, "base_nonce", context, 12),
    { authTagLength: 16 },
  );
  cipher.setAAD(aad, { plaintextLength: plaintext.length });
  return Buffer.concat([ephemeral.publicKey, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

test("deriveHpkeKeyPair gives the key pairs of RFC 9180", async () => {
  const pair = await deriveHpkeKeyPair(vector.recipientSeed);
  expect(new Uint8Array(pair.privateKey)).toEqual(vector.recipientPrivate);
  expect(pair.publicKey).toEqual(vector.recipientPublic);
  const ephemeral = await deriveHpkeKeyPair(vector.ephemeralSeed);
  expect(new Uint8Array(ephemeral.privateKey)).toEqual(vector.ephemeralPrivate);
  expect(ephemeral.publicKey).toEqual(vector.encapsulated);
});

test("the suite opens the messages of RFC 9180", async () => {
  const privateKey = await hpkeSuite.DeserializePrivateKey(vector.recipientPrivate);
  const publicKey = await hpkeSuite.DeserializePublicKey(vector.recipientPublic);
  const receiver = await hpkeSuite.SetupRecipient({ privateKey, publicKey }, vector.encapsulated, {
    info: vector.info,
  });
  for (const { aad, ciphertext } of vector.messages) {
    expect(new Uint8Array(await receiver.Open(ciphertext, aad))).toEqual(vector.plaintext);
  }
});

test("the sender written out from RFC 9180 gives its message, and openWith opens what that sender seals", async () => {
  const aad = hex("436f756e742d30");
  const sealed = await sealByTheBook(vector.recipientPublic, vector.ephemeralSeed, vector.info, aad, vector.plaintext);
  expect(sealed.subarray(0, 32)).toEqual(Buffer.from(vector.encapsulated));
  expect(sealed.subarray(32)).toEqual(Buffer.from(vector.messages[0]?.ciphertext ?? []));
  const ours = await sealByTheBook(
    vector.recipientPublic,
    vector.ephemeralSeed,
    vector.info,
    new Uint8Array(),
    vector.plaintext,
  );
  expect(await openWith(recipient, vector.info, ours)).toEqual(vector.plaintext);
});

test("openWith opens what sealTo sealed, whatever its length, and no two sealings are alike", async () => {
  for (const length of [0, 1, 32, 1000]) {
    const plaintext = new Uint8Array(length).fill(5);
    const sealed = await sealTo(recipient.publicKey, ascii("session"), plaintext);
    expect(sealed).toHaveLength(length + hpkeOverheadBytes);
    expect(await openWith(recipient, ascii("session"), sealed)).toEqual(plaintext);
    expect(await sealTo(recipient.publicKey, ascii("session"), plaintext)).not.toEqual(sealed);
  }
});

test("openWith refuses another info, another key pair, any flipped byte and any cut", async () => {
  const sealed = await sealTo(recipient.publicKey, ascii("session"), ascii("secret"));
  const corrupt = { kind: "corrupt" };
  await expect(openWith(recipient, ascii("other"), sealed)).rejects.toMatchObject(corrupt);
  await expect(openWith(await deriveHpkeKeyPair(new Uint8Array(32)), ascii("session"), sealed)).rejects.toMatchObject(
    corrupt,
  );
  for (let i = 0; i < sealed.length; i += 1) {
    const damaged = sealed.slice();
    damaged[i] = (damaged[i] ?? 0) ^ 1;
    await expect(openWith(recipient, ascii("session"), damaged), `byte ${i}`).rejects.toMatchObject(corrupt);
    await expect(openWith(recipient, ascii("session"), sealed.subarray(0, i)), `cut at ${i}`).rejects.toMatchObject(
      corrupt,
    );
  }
});

test("sealTo refuses a public key of another length or of small order", async () => {
  await expect(sealTo(new Uint8Array(31), ascii("x"), ascii("y"))).rejects.toMatchObject({ kind: "invalid" });
  await expect(sealTo(new Uint8Array(32), ascii("x"), ascii("y"))).rejects.toMatchObject({ kind: "invalid" });
});

test("sealing, opening and deriving make Node print no warning", async () => {
  const warnings: unknown[] = [];
  const note = (warning: unknown): void => void warnings.push(warning);
  process.on("warning", note);
  const pair = await deriveHpkeKeyPair(new Uint8Array(32).fill(4));
  await openWith(pair, ascii("x"), await sealTo(pair.publicKey, ascii("x"), ascii("y")));
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", note);
  expect(warnings).toEqual([]);
});

type XdhTest = Readonly<Record<"public" | "private" | "shared", string>>;
const judge = readJudge<Wycheproof<object, XdhTest>>("wycheproof-x25519_test.json");

describe.skipIf(judge === undefined)("Wycheproof X25519", () => {
  test("the X25519 under the KEM agrees with every vector, and a shared secret of zeros is refused", async () => {
    const { subtle } = globalThis.crypto;
    const cases = (judge?.testGroups ?? []).flatMap((group) => group.tests);
    expect(cases.length).toBeGreaterThan(500);
    for (const { tcId, flags, ...keys } of cases) {
      const privateKey = await hpkeSuite.DeserializePrivateKey(hex(keys.private));
      const publicKey = await hpkeSuite.DeserializePublicKey(hex(keys.public));
      if (!("algorithm" in privateKey) || !(privateKey instanceof CryptoKey) || !(publicKey instanceof CryptoKey))
        expect.unreachable();
      const derive = subtle.deriveBits({ name: "X25519", public: publicKey }, privateKey, 256);
      if (/^0*$/.test(keys.shared)) await expect(derive, `vector ${tcId} ${flags.join()}`).rejects.toThrow();
      else expect(new Uint8Array(await derive), `vector ${tcId} ${flags.join()}`).toEqual(hex(keys.shared));
    }
  });
});
