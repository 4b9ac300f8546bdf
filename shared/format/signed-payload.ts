import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { signatureBytes } from "#shared/crypto/signing.ts";
import { HoldfastError } from "#shared/errors.ts";

/** Ed25519: message → signature, 64 bytes. */
export type Sign = (message: Uint8Array) => Uint8Array;

/** Ed25519: (public key, message, signature) → whether it holds. */
export type Verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

/** What a structure's author signed, and the signature: the payload of its frame. Views. */
export type SignedPayload = { readonly body: Uint8Array; readonly signature: Uint8Array };

/** The structures that are signed. The name stands in the message, so that a signature holds for one of them only. */
export type SignedStructure = "state" | "log-entry" | "checkpoint";

/** A body and its signature: the pieces of a payload. */
export function signPayload(body: Uint8Array, structure: SignedStructure, sign: Sign): readonly Uint8Array[] {
  return [body, sign(messageOf(structure, body))];
}

/** Takes a payload apart. @throws {HoldfastError} corrupt: it is shorter than a signature */
export function splitSigned(payload: Uint8Array, subject: string): SignedPayload {
  const length = payload.byteLength - signatureBytes;
  if (length < 0) throw new HoldfastError("corrupt", `Cannot read ${subject}: it ends early`);
  return { body: payload.subarray(0, length), signature: payload.subarray(length) };
}

/**
 * Checks the signature of the author, whom the body names.
 *
 * @throws {HoldfastError} corrupt: it does not hold
 */
export function checkSignature(
  { body, signature }: SignedPayload,
  by: { readonly author: Uint8Array; readonly structure: SignedStructure; readonly verify: Verify },
  subject: string,
): void {
  if (!by.verify(by.author, messageOf(by.structure, body), signature))
    throw new HoldfastError("corrupt", `Cannot read ${subject}: its signature does not hold`);
}

function messageOf(structure: SignedStructure, body: Uint8Array): Uint8Array {
  return concatBytes(Buffer.from(`holdfast/v1/${structure}\0`, "latin1"), body);
}
