import { encodeHex } from "#shared/bytes/hex.ts";
import { encodeBundle } from "#shared/crypto/bundle.ts";
import { deriveKey } from "#shared/crypto/derive-key.ts";
import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { derivePassphraseKey } from "#shared/crypto/passphrase.ts";
import { seal } from "#shared/crypto/seal.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { encodeCbor, type CborValue } from "#shared/format/cbor.ts";
import { encodeConfig } from "#shared/format/config.ts";
import { idFromBytes } from "#shared/format/ids.ts";
import { encodeKeySlot, type KeySlot, keySlotAad, type SlotDerivation } from "#shared/format/key-slot.ts";
import { config, configBytes, keys, masterSecret, storeId, storeIdBytes, vectorTimeMs } from "./fixed-store.testing.ts";
import { payloadOf, spoiledFrames, spoiledMaps, withPayload } from "./spoil.testing.ts";
import { refused, seededBytes, success, type Vector } from "./vector.testing.ts";

/** The config of a store, its key slots, and the bundles in them. */
export async function configVectors(): Promise<Vector[]> {
  return [...storeConfigVectors(), ...bundleVectors(), ...(await keySlotVectors())];
}

const configFields: Record<string, CborValue> = {
  storeId: storeIdBytes,
  createdMs: config.createdMs,
  secrecy: config.secrecy,
  chunker: { ...config.chunker },
  segmentBytes: config.segmentBytes,
  packBytes: config.packBytes,
  compression: { ...config.compression },
  publicKey: config.publicKey,
  graceMs: config.graceMs,
};

function storeConfigVectors(): Vector[] {
  const changed = (
    name: string,
    about: string,
    change: Record<string, CborValue>,
    expect: "corrupt" | "incompatible" = "corrupt",
  ): Vector =>
    refused("config", name, about, expect, withPayload(configBytes, encodeCbor({ ...configFields, ...change })));
  return [
    success("config", "sealed", "The config of a sealed store.", {}, encodeHex(configBytes)),
    success(
      "config",
      "plaintext",
      "The config of a store that anyone can read.",
      {},
      encodeHex(encodeConfig({ ...config, secrecy: "public" })),
    ),
    ...spoiledFrames(configBytes).map((each) => refused("config", each.name, each.about, each.expect, each.bytes)),
    ...spoiledMaps(configFields).map((each) =>
      refused("config", each.name, each.about, each.expect, withPayload(configBytes, each.bytes)),
    ),
    refused(
      "config",
      "too-large",
      "It is larger than a config may be.",
      "corrupt",
      withPayload(configBytes, concatBytes(payloadOf(configBytes), new Uint8Array(65_536))),
    ),
    changed("short-store-id", "The store id has 15 bytes.", { storeId: storeIdBytes.slice(1) }),
    changed("integer-as-text", "A number is a text.", { createdMs: "now" }),
    changed("chunk-sizes-out-of-order", "The least chunk is larger than the average.", {
      chunker: { ...config.chunker, minBytes: 1024 * 1024 },
    }),
    changed("average-no-power-of-two", "The average is no power of two.", {
      chunker: { ...config.chunker, avgBytes: 500_000 },
    }),
    changed("chunk-too-long", "The longest chunk is longer than a blob may be.", {
      chunker: { ...config.chunker, maxBytes: 33 * 1024 * 1024 },
    }),
    changed(
      "unknown-chunker",
      "A chunker that this version does not know.",
      { chunker: { ...config.chunker, id: "toeplitz-aes-v1" } },
      "incompatible",
    ),
    changed(
      "unknown-compression",
      "A compression that this version does not know.",
      { compression: { id: "lz77", level: 1 } },
      "incompatible",
    ),
    changed("unknown-secrecy", "A secrecy that this version does not know.", { secrecy: "half" }, "incompatible"),
    changed("unknown-inner-field", "A field more within the chunker.", { chunker: { ...config.chunker, table: 1 } }),
  ];
}

function bundleVectors(): Vector[] {
  const writer = { role: "writer", idKey: keys.idKey, chunkKey: keys.chunkKey, indexKey: keys.indexKey } as const;
  const owner = encodeBundle({ role: "owner", masterSecret });
  const fields = { v: 1, role: "owner", masterSecret };
  const bad = (
    name: string,
    about: string,
    change: Record<string, CborValue>,
    expect: "corrupt" | "incompatible" = "corrupt",
  ): Vector => refused("bundle", name, about, expect, encodeCbor({ ...fields, ...change }));
  return [
    success("bundle", "owner", "Everything: the master secret.", {}, encodeHex(owner)),
    success("bundle", "writer", "Append and deduplicate.", {}, encodeHex(encodeBundle(writer))),
    success("bundle", "auditor", "No secret.", {}, encodeHex(encodeBundle({ role: "auditor" }))),
    ...spoiledMaps(fields).map((each) => refused("bundle", each.name, each.about, each.expect, each.bytes)),
    refused("bundle", "truncated", "The last byte is missing.", "corrupt", owner.slice(0, -1)),
    refused("bundle", "too-long", "It is longer than a bundle may be.", "corrupt", new Uint8Array(257)),
    bad("newer-version", "Version 2.", { v: 2 }, "incompatible"),
    bad("version-zero", "Version 0.", { v: 0 }),
    bad("unknown-role", "A role that there is not.", { role: "king" }),
    bad("short-key", "The master secret has 31 bytes.", { masterSecret: masterSecret.slice(1) }),
  ];
}

const passphrase = "correct horse battery staple";
const secret = seededBytes("holdfast vectors, recovery secret", 32);
const argon2id = {
  kind: "argon2id",
  salt: seededBytes("holdfast vectors, slot salt", 16),
  memoryKiB: 64,
  passes: 2,
  parallelism: 1,
} as const;
const hkdf = { kind: "hkdf-sha256", salt: seededBytes("holdfast vectors, recovery salt", 16) } as const;

/** A slot with everything fixed. */
export async function makeSlot(options: {
  readonly name: string;
  readonly label: string;
  readonly derivation: SlotDerivation;
  readonly bundle: Uint8Array;
  readonly role: "owner" | "writer";
  readonly store: { readonly storeId: KeySlot["storeId"]; readonly configSha256: Uint8Array };
}): Promise<KeySlot> {
  const { name, label, derivation, bundle, role, store } = options;
  const open = {
    slotId: idFromBytes("key slot", seededBytes(`holdfast vectors, slot ${name}`, 16)),
    storeId: store.storeId,
    role,
    label,
    createdMs: vectorTimeMs,
    derivation,
    nonce: seededBytes(`holdfast vectors, nonce ${name}`, 24),
  };
  const key =
    derivation.kind === "argon2id"
      ? await derivePassphraseKey(passphrase, derivation)
      : deriveKey(concatBytes(secret, derivation.salt), "holdfast/v1/slot");
  return { ...open, sealedBundle: seal({ key, nonce: open.nonce, aad: keySlotAad(open, store.configSha256) }, bundle) };
}

async function keySlotVectors(): Promise<Vector[]> {
  const bundle = encodeBundle({ role: "owner", masterSecret });
  const store = { storeId, configSha256: sha256(configBytes) };
  const byPassphrase = await makeSlot({
    name: "passphrase",
    label: "first passphrase",
    derivation: argon2id,
    bundle,
    role: "owner",
    store,
  });
  const bySecret = await makeSlot({
    name: "recovery",
    label: "recovery key",
    derivation: hkdf,
    bundle,
    role: "owner",
    store,
  });
  const writer = encodeBundle({ role: "writer", idKey: keys.idKey, chunkKey: keys.chunkKey, indexKey: keys.indexKey });
  const forWriter = await makeSlot({
    name: "writer",
    label: "host ä",
    derivation: hkdf,
    bundle: writer,
    role: "writer",
    store,
  });
  const context = { config: encodeHex(configBytes), slotId: byPassphrase.slotId, passphrase };
  const recoveryContext = { config: encodeHex(configBytes), slotId: bySecret.slotId, secret: encodeHex(secret) };
  const bytes = encodeKeySlot(byPassphrase);
  const fields: Record<string, CborValue> = {
    slotId: seededBytes("holdfast vectors, slot passphrase", 16),
    storeId: storeIdBytes,
    role: "owner",
    label: byPassphrase.label,
    createdMs: byPassphrase.createdMs,
    derivation: { ...argon2id },
    nonce: byPassphrase.nonce,
    sealedBundle: byPassphrase.sealedBundle,
  };
  const changed = (
    name: string,
    about: string,
    change: Record<string, CborValue>,
    expect: "corrupt" | "incompatible" | "denied",
  ): Vector =>
    refused("key-slot", name, about, expect, withPayload(bytes, encodeCbor({ ...fields, ...change })), context);
  return [
    success(
      "key-slot",
      "passphrase",
      "A slot for a passphrase, at a cost far too small for real use.",
      context,
      encodeHex(bytes),
    ),
    success(
      "key-slot",
      "recovery-key",
      "A slot for a random secret.",
      recoveryContext,
      encodeHex(encodeKeySlot(bySecret)),
    ),
    success(
      "key-slot",
      "writer",
      "A slot with a writer's bundle.",
      { ...recoveryContext, slotId: forWriter.slotId },
      encodeHex(encodeKeySlot(forWriter)),
    ),
    ...spoiledFrames(bytes).map((each) => refused("key-slot", each.name, each.about, each.expect, each.bytes, context)),
    ...spoiledMaps(fields).map((each) =>
      refused("key-slot", each.name, each.about, each.expect, withPayload(bytes, each.bytes), context),
    ),
    refused("key-slot", "wrong-passphrase", "Another passphrase.", "denied", bytes, {
      ...context,
      passphrase: "Tr0ub4dor&3",
    }),
    refused("key-slot", "wrong-secret", "Another random secret.", "denied", encodeKeySlot(bySecret), {
      ...recoveryContext,
      secret: "00".repeat(32),
    }),
    refused("key-slot", "other-config", "Beside a config that differs in one number.", "denied", bytes, {
      ...context,
      config: encodeHex(encodeConfig({ ...config, graceMs: 0 })),
    }),
    refused("key-slot", "wrong-name", "The object has the name of another slot.", "corrupt", bytes, {
      ...context,
      slotId: "00".repeat(16),
    }),
    changed(
      "wrong-store",
      "A slot of another store is passed over; there is no other.",
      { storeId: new Uint8Array(16) },
      "corrupt",
    ),
    changed("relabelled", "The label was changed.", { label: "first passphrasE" }, "denied"),
    changed("role-raised", "The role was changed.", { role: "writer" }, "denied"),
    changed("cheaper", "The cost was lowered.", { derivation: { ...argon2id, passes: 1 } }, "denied"),
    changed(
      "too-much-work",
      "The cost is above the limit.",
      { derivation: { ...argon2id, memoryKiB: 4_194_304, passes: 64 } },
      "corrupt",
    ),
    changed(
      "too-many-passes",
      "More passes than a slot may ask for.",
      { derivation: { ...argon2id, passes: 65 } },
      "corrupt",
    ),
    changed(
      "unknown-derivation",
      "A derivation that this version does not know.",
      { derivation: { kind: "kms", salt: argon2id.salt } },
      "incompatible",
    ),
    changed("unknown-role", "A role that this version does not know.", { role: "king" }, "incompatible"),
    changed(
      "bad-tag",
      "A bit of the sealed bundle is flipped.",
      { sealedBundle: byPassphrase.sealedBundle.map((byte, at) => (at === 0 ? byte ^ 1 : byte)) },
      "denied",
    ),
    changed("short-nonce", "The nonce has 23 bytes.", { nonce: byPassphrase.nonce.slice(1) }, "corrupt"),
  ];
}
