import { encodeHex } from "#shared/bytes/hex.ts";
import { deriveKeys } from "#shared/crypto/derive-keys.ts";
import { createMac } from "#shared/crypto/mac.ts";
import { createSigner } from "#shared/crypto/signing.ts";
import { encodeConfig, type StoreConfig } from "#shared/format/config.ts";
import { idFromBytes } from "#shared/format/ids.ts";
import { nodeKey } from "#shared/repository/node-key.ts";
import { seededBytes } from "./vector.testing.ts";

/** The master secret of the store to which most vectors belong. */
export const masterSecret = seededBytes("holdfast vectors, master secret", 32);
export const storeIdBytes = seededBytes("holdfast vectors, store id", 16);
export const storeId = idFromBytes("store", storeIdBytes);
/** 2026-01-01T00:00:00Z. */
export const vectorTimeMs = 1_767_225_600_000;

export const keys = await deriveKeys(masterSecret);
export const chunkMac = await createMac(keys.idKey);
export const nodeMac = await createMac(nodeKey(keys.idKey));
export const signer = createSigner(seededBytes("holdfast vectors, agent", 32));
export const sign = (message: Uint8Array): Uint8Array => signer.sign(message);

export const config: StoreConfig = {
  storeId,
  createdMs: vectorTimeMs,
  secrecy: "sealed",
  chunker: { id: "fastcdc-gear64-v1", minBytes: 128 * 1024, avgBytes: 512 * 1024, maxBytes: 2 * 1024 * 1024 },
  segmentBytes: 1024 * 1024,
  packBytes: 24 * 1024 * 1024,
  compression: { id: "zstd", level: 3 },
  publicKey: keys.hpke.publicKey,
  graceMs: 7 * 24 * 60 * 60 * 1000,
};
export const configBytes = encodeConfig(config);

/** A session of that store. */
export const sessionId = seededBytes("holdfast vectors, session id", 16);
export const sessionKey = seededBytes("holdfast vectors, session key", 32);
export const segmentId = seededBytes("holdfast vectors, segment id", 24);

/** What a reader of a segment must know. */
export const segmentContext = {
  storeId,
  kind: "data",
  segmentId: encodeHex(segmentId),
  sessionKey: encodeHex(sessionKey),
} as const;

/** Compressible plaintext: two blobs of content. */
export const blobs: readonly Uint8Array[] = [
  Buffer.from("The quick brown fox jumps over the lazy dog.\n".repeat(20)),
  Buffer.from("Pack my box with five dozen liquor jugs.\n".repeat(10)),
];
