import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { encodeRecoveryKey } from "#shared/crypto/recovery-key.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { keys, masterSecret, sessionId, sessionKey, storeId, storeIdBytes } from "./fixed-store.testing.ts";
import { sealToSeeded } from "./hpke-seal.testing.ts";
import { withFlippedBit } from "./spoil.testing.ts";
import { refused, seededBytes, success, type Vector } from "./vector.testing.ts";

/** Keys, names of blobs, cut points and other functions of the format that are no structures. */
export async function cryptoVectors(): Promise<Vector[]> {
  return [
    ...keyVectors(),
    ...recoveryKeyVectors(),
    ...(await envelopeVectors()),
    ...blobIdVectors(),
    ...cutPointVectors(),
    ...treeVectors(),
  ];
}

function keyVectors(): Vector[] {
  const salt = encodeHex(seededBytes("holdfast vectors, salt", 16));
  const small = { salt, memoryKiB: 64, passes: 2, parallelism: 1 };
  return [
    success("keys", "master-secret", "All keys of a sealed store follow from its master secret.", {
      masterSecret: encodeHex(masterSecret),
    }),
    success("keys", "plaintext-store", "All keys of a plaintext store follow from its id.", { storeId }),
    success("passphrase", "argon2id", "The key of a slot from a passphrase.", {
      ...small,
      passphrase: "correct horse battery staple",
    }),
    success("passphrase", "argon2id-lanes", "Two lanes.", { ...small, parallelism: 2, passphrase: "x" }),
    success("passphrase", "normal-form", "A decomposed é gives the key of the composed one.", {
      ...small,
      passphrase: "cafe\u0301",
    }),
    success("passphrase", "normal-form-composed", "The composed é.", { ...small, passphrase: "caf\u00e9" }),
    success("passphrase", "random-secret", "The key of a slot from 32 random bytes: HKDF.", {
      salt,
      secret: encodeHex(seededBytes("holdfast vectors, recovery secret", 32)),
    }),
    refused("passphrase", "too-much-memory", "More memory than any slot may ask for.", "corrupt", "", {
      ...small,
      memoryKiB: 4 * 1024 * 1024 + 1,
      passphrase: "x",
    }),
    refused("passphrase", "too-much-work", "Memory times passes is above the limit.", "corrupt", "", {
      ...small,
      memoryKiB: 1024 * 1024,
      passes: 33,
      passphrase: "x",
    }),
    refused("passphrase", "empty", "There is no empty passphrase.", "invalid", "", { ...small, passphrase: "" }),
    success("padme", "lengths", "Padmé lengths.", {
      lengths: [
        0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 100, 255, 256, 257, 1000, 4095, 4096, 4097, 65537, 1_000_000, 67_108_864,
        67_108_865,
      ].map(String),
    }),
  ];
}

function recoveryKeyVectors(): Vector[] {
  const good = encodeRecoveryKey(seededBytes("holdfast vectors, recovery secret", 32));
  const letters = good.replaceAll("-", "");
  const spelled = (payload: Uint8Array): string => spell(payload);
  const secret = seededBytes("holdfast vectors, recovery secret", 32);
  const newer = concatBytes(Uint8Array.of(2), secret);
  const other = letters.startsWith("0") ? "1" : "0";
  return [
    success("recovery-key", "printed", "As it is printed.", {}, good),
    success(
      "recovery-key",
      "typed",
      "Lower case, spaces for hyphens, letters that look like digits.",
      {},
      good.replaceAll("-", " ").toLowerCase().replaceAll("0", "o").replaceAll("1", "l"),
    ),
    refused("recovery-key", "letter-missing", "A letter is missing.", "invalid", letters.slice(0, -1)),
    refused("recovery-key", "letter-too-many", "There is a letter more.", "invalid", `${letters}0`),
    refused("recovery-key", "bad-letter", "U is none of the letters.", "invalid", `U${letters.slice(1)}`),
    refused(
      "recovery-key",
      "bad-checksum",
      "One letter is another.",
      "invalid",
      `${letters.slice(0, 20)}${letters[20] === "0" ? "1" : "0"}${letters.slice(21)}`,
    ),
    refused(
      "recovery-key",
      "bad-first-letter",
      "The first letter is another.",
      "invalid",
      `${other}${letters.slice(1)}`,
    ),
    refused(
      "recovery-key",
      "newer-version",
      "Version 2 with a right checksum.",
      "incompatible",
      spelled(concatBytes(newer, sha256(newer).subarray(0, 4))),
    ),
  ];
}

/** Crockford's base32 of 37 bytes, four zero bits at the end. */
function spell(payload: Uint8Array): string {
  const bits = `${Array.from(payload, (byte) => byte.toString(2).padStart(8, "0")).join("")}0000`;
  return (bits.match(/.{5}/g) ?? [])
    .map((each) => "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[Number.parseInt(each, 2)])
    .join("");
}

async function envelopeVectors(): Promise<Vector[]> {
  const context = { masterSecret: encodeHex(masterSecret), storeId, sessionId: encodeHex(sessionId) };
  const envelope = await sealedSession(sessionId, sessionKey);
  const structure = "session-envelope";
  return [
    success(structure, "sealed", "A session key sealed to the store's public key.", context, encodeHex(envelope)),
    refused(structure, "bad-tag", "A bit of the tag is flipped.", "corrupt", withFlippedBit(envelope, -1), context),
    refused(
      structure,
      "bad-encapsulated-key",
      "A bit of the encapsulated key is flipped.",
      "corrupt",
      withFlippedBit(envelope, 0),
      context,
    ),
    refused(structure, "other-session", "It is the envelope of another session.", "corrupt", envelope, {
      ...context,
      sessionId: "00".repeat(16),
    }),
    refused(structure, "other-store", "It is the envelope of another store.", "corrupt", envelope, {
      ...context,
      storeId: "00".repeat(16),
    }),
    refused(structure, "truncated", "Its last byte is missing.", "corrupt", envelope.slice(0, -1), context),
  ];
}

/** The envelope of a session key, always the same. */
export function sealedSession(id: Uint8Array, key: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return sealToSeeded({
    publicKey: keys.hpke.publicKey,
    info: concatBytes(Buffer.from("holdfast/v1/session\0"), storeIdBytes, id),
    plaintext: key,
    ephemeralSeed: sha256(Buffer.from("holdfast vectors, ephemeral"), id),
  });
}

function blobIdVectors(): Vector[] {
  const context = { idKey: encodeHex(keys.idKey) };
  return [
    success("blob-id", "empty", "The names of nothing.", context, ""),
    success("blob-id", "short", "The names of three bytes.", context, encodeHex(Buffer.from("abc"))),
    success(
      "blob-id",
      "long",
      "The names of 3000 bytes.",
      context,
      encodeHex(seededBytes("holdfast vectors, blob", 3000)),
    ),
  ];
}

function cutPointVectors(): Vector[] {
  const chunkKey = encodeHex(keys.chunkKey);
  const defaults = { minBytes: 128 * 1024, avgBytes: 512 * 1024, maxBytes: 2 * 1024 * 1024 };
  const input = { chunkKey, seed: "holdfast vectors, chunker input", inputBytes: 4 * 1024 * 1024 };
  return [
    success("cut-points", "default-sizes", "4 MiB cut with the sizes of a new store.", { ...input, ...defaults }),
    success("cut-points", "small-sizes", "4 MiB cut small: many cuts.", {
      ...input,
      minBytes: 4096,
      avgBytes: 16_384,
      maxBytes: 65_536,
    }),
    success("cut-points", "other-key", "Another key cuts elsewhere.", {
      ...input,
      chunkKey: "07".repeat(32),
      minBytes: 4096,
      avgBytes: 16_384,
      maxBytes: 65_536,
    }),
    success("cut-points", "narrow-sizes", "The least sizes; minimum and average are equal.", {
      ...input,
      inputBytes: 20_000,
      minBytes: 64,
      avgBytes: 64,
      maxBytes: 200,
    }),
    success("cut-points", "shorter-than-minimum", "An input under the minimum is one chunk.", {
      ...input,
      inputBytes: 1000,
      ...defaults,
    }),
    refused("cut-points", "average-no-power-of-two", "The average is no power of two.", "invalid", "", {
      ...input,
      ...defaults,
      avgBytes: 500_000,
    }),
  ];
}

function treeVectors(): Vector[] {
  const paths = ["", "a", "a/b", "a/b/c", "a-b", "a.b", "a/b.c", "ab", "b", "B", "a\u00ff", "a\u0001"];
  return [
    success("tree-order", "paths", "Order of directories: a slash is less than every other byte.", {
      paths: paths.map((each) => encodeHex(Buffer.from(each, "latin1"))),
    }),
    success("tree-borders", "names", "Numbers of the names after which a node ends, for levels 0 to 2.", {
      dir: "usr/share",
      prefix: "file-",
      names: 4096,
      levels: 3,
    }),
    success("tree-borders", "root", "Names in the root.", { dir: "", prefix: "é", names: 1024, levels: 2 }),
  ];
}
