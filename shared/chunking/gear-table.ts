import { chacha20 } from "@noble/ciphers/chacha.js";
import { HoldfastError } from "#shared/errors.ts";

/** Bytes of a gear table: 256 words of 64 bits, little endian. */
export const gearTableBytes = 256 * 8;

const nonce = new TextEncoder().encode("gear64-table");

/**
 * The gear table of a store: the first 2048 bytes of the ChaCha20 key stream under the chunk key (nonce "gear64-table",
 * counter 0).
 *
 * A stream cipher is a pseudorandom function with exactly this output, is specified to the bit, and is in every library;
 * BLAKE3's extended output would do as well but is missing from most of them. Without the key cut points cannot be
 * predicted from the content alone. That slows down guessing files by their chunk sizes and does not prevent it:
 * segments and padding are what hides sizes.
 *
 * @param chunkKey - 32 bytes
 * @throws {HoldfastError} invalid: a key of another length
 * @see RFC 8439 section 2.4; FORMAT.md, chunking
 */
export function gearTable(chunkKey: Uint8Array): Uint8Array<ArrayBuffer> {
  if (chunkKey.length !== 32) {
    throw new HoldfastError(
      "invalid",
      `Cannot make a gear table from a key of ${chunkKey.length} bytes: it must have 32`,
    );
  }
  return new Uint8Array(chacha20(chunkKey, nonce, new Uint8Array(gearTableBytes)));
}
