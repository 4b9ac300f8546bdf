import { decodeFrame, encodeFrame } from "./frame.ts";
import { type CborMap, decodeCborMap, encodeCbor } from "./cbor.ts";
import { formatLimits } from "./limits.ts";
import { idFromBytes, idToBytes, type KeySlotId, type StoreId } from "./ids.ts";
import { HoldfastError } from "#shared/errors.ts";

/** How the key of a slot follows from what its holder knows. */
export type SlotDerivation =
  | {
      readonly kind: "argon2id";
      readonly salt: Uint8Array;
      readonly memoryKiB: number;
      readonly passes: number;
      readonly parallelism: number;
    }
  | { readonly kind: "hkdf-sha256"; readonly salt: Uint8Array };

/** What a slot's bundle allows. @see DESIGN, capability bundles */
export type SlotRole = "owner" | "writer";

/** The object `keys/<slot id>`: a capability bundle sealed under a passphrase or a random secret. */
export type KeySlot = {
  readonly slotId: KeySlotId;
  readonly storeId: StoreId;
  readonly role: SlotRole;
  readonly label: string;
  readonly createdMs: number;
  readonly derivation: SlotDerivation;
  /** 24 random bytes. */
  readonly nonce: Uint8Array;
  /** The bundle, sealed; its associated data is `keySlotAad`. */
  readonly sealedBundle: Uint8Array;
};

/** Bytes that bind a sealed bundle to its slot and to the very config of the store. */
export function keySlotAad(slot: Omit<KeySlot, "sealedBundle">, configSha256: Uint8Array): Uint8Array {
  return encodeCbor({ ...slotFields(slot), context: "holdfast/v1/key-slot", config: configSha256 });
}

/** @see FORMAT.md, Key slot */
export function encodeKeySlot(slot: KeySlot): Uint8Array<ArrayBuffer> {
  return encodeFrame("keySlot", encodeCbor({ ...slotFields(slot), sealedBundle: slot.sealedBundle }));
}

/** @throws {HoldfastError} corrupt or incompatible */
export function decodeKeySlot(bytes: Uint8Array, name: string): KeySlot {
  const subject = `key slot ${name}`;
  if (bytes.byteLength > formatLimits.keySlotBytes)
    throw new HoldfastError("corrupt", `Cannot read ${subject}: it is too large`);
  const map = decodeCborMap(decodeFrame("keySlot", bytes, subject), subject);
  const slot: KeySlot = {
    slotId: idFromBytes("key slot", map.bytes("slotId", 16)),
    storeId: idFromBytes("store", map.bytes("storeId", 16)),
    role: map.knownOf("role", ["owner", "writer"]),
    label: map.text("label", 1024),
    createdMs: map.integer("createdMs"),
    derivation: decodeDerivation(map.map("derivation")),
    nonce: map.bytes("nonce", 24),
    sealedBundle: map.bytes("sealedBundle"),
  };
  map.end();
  return slot;
}

function slotFields(slot: Omit<KeySlot, "sealedBundle">) {
  return {
    slotId: idToBytes(slot.slotId),
    storeId: idToBytes(slot.storeId),
    role: slot.role,
    label: slot.label,
    createdMs: slot.createdMs,
    derivation: { ...slot.derivation },
    nonce: slot.nonce,
  };
}

function decodeDerivation(map: CborMap): SlotDerivation {
  const kind = map.knownOf("kind", ["argon2id", "hkdf-sha256"]);
  const salt = map.bytes("salt", 16);
  const derivation: SlotDerivation =
    kind === "hkdf-sha256"
      ? { kind, salt }
      : {
          kind,
          salt,
          memoryKiB: map.integer("memoryKiB", 8, 4 * 1024 * 1024),
          passes: map.integer("passes", 1, 64),
          parallelism: map.integer("parallelism", 1, 64),
        };
  map.end();
  return derivation;
}
