import { decodeHex, encodeHex } from "#shared/bytes/hex.ts";
import { HoldfastError } from "#shared/errors.ts";

declare const brand: unique symbol;

/** Lowercase hexadecimal text that names something of one kind. */
export type HexId<Kind extends string> = string & { readonly [brand]: Kind };

/** SHA-256 of a pack's bytes, 64 hexadecimal digits. */
export type PackId = HexId<"pack">;
/** SHA-256 of a state's head, 64 hexadecimal digits; also the id of the snapshot that the state adds. */
export type StateId = HexId<"state">;
/** Random, 32 hexadecimal digits: one per attempt to add something, so that a writer recognises its own entry. */
export type CommitId = HexId<"commit">;
/** Random, 32 hexadecimal digits. */
export type StoreId = HexId<"store">;
/** Random, 32 hexadecimal digits. */
export type KeySlotId = HexId<"key slot">;
/** Keyed BLAKE3 of a blob's plaintext, 64 hexadecimal digits. */
export type BlobId = HexId<"blob">;

const idBytes = { pack: 32, state: 32, commit: 16, store: 16, "key slot": 16, blob: 32 } as const;

/** The bytes of an id as its branded text. @throws {HoldfastError} invalid: wrong length */
export function idFromBytes<Kind extends keyof typeof idBytes>(kind: Kind, bytes: Uint8Array): HexId<Kind> {
  if (bytes.byteLength !== idBytes[kind])
    throw new HoldfastError("invalid", `Cannot use ${bytes.byteLength} bytes as a ${kind} id`);
  return encodeHex(bytes) as HexId<Kind>;
}

/** Checks a text and brands it. @throws {HoldfastError} invalid: not an id of that kind */
export function parseId<Kind extends keyof typeof idBytes>(kind: Kind, text: string): HexId<Kind> {
  if (text.length !== idBytes[kind] * 2 || !/^[0-9a-f]*$/.test(text)) {
    throw new HoldfastError(
      "invalid",
      `Cannot use "${text.slice(0, 80)}" as a ${kind} id: ${idBytes[kind] * 2} lowercase hexadecimal digits are expected`,
    );
  }
  return text as HexId<Kind>;
}

/** The bytes of a branded id. */
export function idToBytes(id: PackId | StateId | CommitId | StoreId | KeySlotId | BlobId): Uint8Array<ArrayBuffer> {
  return decodeHex(id);
}
