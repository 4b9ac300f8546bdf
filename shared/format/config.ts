import { decodeFrame, encodeFrame } from "./frame.ts";
import { decodeCborMap, encodeCbor } from "./cbor.ts";
import { formatLimits } from "./limits.ts";
import { idFromBytes, idToBytes, type StoreId } from "./ids.ts";
import { HoldfastError } from "#shared/errors.ts";

/** How a store is made: written once at `create`, never changed. */
export type StoreConfig = {
  readonly storeId: StoreId;
  /** When the store was created, milliseconds since 1970 UTC, by the creator's clock. For people only. */
  readonly createdMs: number;
  /** `sealed`: the master secret is in key slots. `public`: it follows from the store id, and anyone can read. */
  readonly secrecy: "sealed" | "public";
  readonly chunker: {
    readonly id: "fastcdc-gear64-v1";
    readonly minBytes: number;
    readonly avgBytes: number;
    readonly maxBytes: number;
  };
  /** Plaintext from which a segment is closed. */
  readonly segmentBytes: number;
  /** Sealed bytes from which a pack is closed. */
  readonly packBytes: number;
  readonly compression: { readonly id: "zstd"; readonly level: number };
  /** X25519 public key to which session keys are sealed. */
  readonly publicKey: Uint8Array;
  /** Time between condemning and sweeping. */
  readonly graceMs: number;
};

/** The object `config`. @see FORMAT.md, Config */
export function encodeConfig(config: StoreConfig): Uint8Array<ArrayBuffer> {
  return encodeFrame(
    "config",
    encodeCbor({
      storeId: idToBytes(config.storeId),
      createdMs: config.createdMs,
      secrecy: config.secrecy,
      chunker: { ...config.chunker },
      segmentBytes: config.segmentBytes,
      packBytes: config.packBytes,
      compression: { ...config.compression },
      publicKey: config.publicKey,
      graceMs: config.graceMs,
    }),
  );
}

/** @throws {HoldfastError} corrupt or incompatible */
export function decodeConfig(bytes: Uint8Array): StoreConfig {
  const subject = "the store's config";
  if (bytes.byteLength > formatLimits.configBytes)
    throw new HoldfastError("corrupt", `Cannot read ${subject}: it is too large`);
  const map = decodeCborMap(decodeFrame("config", bytes, subject), subject);
  const chunker = map.map("chunker");
  const compression = map.map("compression");
  const config: StoreConfig = {
    storeId: idFromBytes("store", map.bytes("storeId", 16)),
    createdMs: map.integer("createdMs"),
    secrecy: map.knownOf("secrecy", ["sealed", "public"]),
    chunker: {
      id: chunker.knownOf("id", ["fastcdc-gear64-v1"]),
      minBytes: chunker.integer("minBytes", 64, formatLimits.blobBytes),
      avgBytes: chunker.integer("avgBytes", 64, formatLimits.blobBytes),
      maxBytes: chunker.integer("maxBytes", 64, formatLimits.blobBytes),
    },
    segmentBytes: map.integer("segmentBytes", 4096, formatLimits.segmentPlainBytes / 2),
    packBytes: map.integer("packBytes", 64 * 1024, formatLimits.packBytes / 2),
    compression: { id: compression.knownOf("id", ["zstd"]), level: compression.integer("level", 1, 22) },
    publicKey: map.bytes("publicKey", 32),
    graceMs: map.integer("graceMs"),
  };
  chunker.end();
  compression.end();
  map.end();
  const { minBytes, avgBytes, maxBytes } = config.chunker;
  if (minBytes > avgBytes || avgBytes > maxBytes || !Number.isInteger(Math.log2(avgBytes))) {
    throw new HoldfastError("corrupt", `Cannot read ${subject}: its chunk sizes do not fit together`);
  }
  return config;
}
