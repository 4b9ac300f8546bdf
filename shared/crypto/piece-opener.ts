import { createDecipheriv, type DecipherChaCha20Poly1305 } from "node:crypto";
import { cannotOpen, deriveSubkey, type SealContext, sealTagBytes } from "./seal.ts";

/**
 * Opens what `seal` made and comes in pieces, so that the sealed bytes need not be held: `open` for large messages. Nothing of the plaintext
 * is given out before all of it is verified.
 *
 * Memory: the plaintext.
 */
export class PieceOpener {
  readonly #sealedBytes: number;
  readonly #decipher: DecipherChaCha20Poly1305;
  readonly #plaintext: Uint8Array<ArrayBuffer>;
  readonly #tag = new Uint8Array(sealTagBytes);
  #at = 0;

  /**
   * @param sealedBytes - ciphertext and tag
   * @throws {HoldfastError} corrupt: shorter than a tag; internal: key or nonce of a wrong length
   */
  constructor(context: SealContext, sealedBytes: number) {
    if (sealedBytes < sealTagBytes) throw cannotOpen(sealedBytes);
    this.#sealedBytes = sealedBytes;
    const { subkey, iv } = deriveSubkey(context);
    this.#decipher = createDecipheriv("chacha20-poly1305", subkey, iv, { authTagLength: sealTagBytes });
    subkey.fill(0);
    this.#plaintext = new Uint8Array(Buffer.allocUnsafeSlow(sealedBytes - sealTagBytes).buffer);
    this.#decipher.setAAD(context.aad, { plaintextLength: this.#plaintext.byteLength });
  }

  /** Takes the next sealed bytes. @throws {HoldfastError} corrupt: there are more than was said */
  add(piece: Uint8Array): void {
    const left = Math.max(0, this.#plaintext.byteLength - this.#at);
    const ciphertext = piece.subarray(0, left);
    const rest = piece.subarray(ciphertext.byteLength);
    if (ciphertext.byteLength > 0) this.#plaintext.set(this.#decipher.update(ciphertext), this.#at);
    this.#at += ciphertext.byteLength;
    if (rest.byteLength === 0) return;
    const tagAt = this.#at - this.#plaintext.byteLength;
    if (tagAt + rest.byteLength > sealTagBytes) throw cannotOpen(this.#sealedBytes);
    this.#tag.set(rest, tagAt);
    this.#at += rest.byteLength;
  }

  /** Ends it. @returns the plaintext, in a buffer of its own @throws {HoldfastError} corrupt: as `open` */
  finish(): Uint8Array<ArrayBuffer> {
    try {
      if (this.#at !== this.#sealedBytes) throw cannotOpen(this.#sealedBytes);
      this.#decipher.setAuthTag(this.#tag);
      this.#decipher.final();
    } catch {
      this.#plaintext.fill(0);
      throw cannotOpen(this.#sealedBytes);
    }
    return this.#plaintext;
  }
}
