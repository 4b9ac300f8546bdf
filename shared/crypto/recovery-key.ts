import { HoldfastError } from "#shared/errors.ts";
import { sha256 } from "./sha256.ts";

/** Bytes of the secret that a recovery key spells. */
export const recoverySecretBytes = 32;

const version = 1;
const checksumBytes = 4;
const payloadBytes = 1 + recoverySecretBytes + checksumBytes;
const groupLetters = 5;
const letters = Math.ceil((payloadBytes * 8) / 5);
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/**
 * Spells a 32-byte secret so that a person can copy it by hand: 12 groups of 5 letters, in Crockford's base32 (no I, L, O, U).
 *
 * The letters stand for a version byte, the secret, the first 4 bytes of SHA-256 over both, and four zero bits.
 *
 * @throws {HoldfastError} invalid: a secret of another length
 * @see FORMAT.md, recovery key; crockford.com/base32.html
 */
export function encodeRecoveryKey(secret: Uint8Array): string {
  if (secret.length !== recoverySecretBytes) {
    throw new HoldfastError(
      "invalid",
      `Cannot spell a recovery key of ${secret.length} bytes: it must have ${recoverySecretBytes}`,
    );
  }
  const payload = new Uint8Array(payloadBytes);
  payload[0] = version;
  payload.set(secret, 1);
  payload.set(checksumOf(payload), 1 + recoverySecretBytes);
  const spelled = spell(payload);
  payload.fill(0);
  return (spelled.match(/.{5}/g) ?? []).join("-");
}

/**
 * Reads a recovery key as a person types it: case, spaces, hyphens and line ends do not matter, O is 0, I and L are 1.
 *
 * @returns the 32-byte secret
 * @throws {HoldfastError} invalid: a wrong letter, a wrong length or a wrong checksum; the message quotes no part of the key
 * @throws {HoldfastError} incompatible: a recovery key of a newer version
 */
export function decodeRecoveryKey(text: string): Uint8Array<ArrayBuffer> {
  const typed = text.replaceAll(/[\s-]/g, "").toUpperCase().replaceAll("O", "0").replaceAll(/[IL]/g, "1");
  if (typed.length !== letters) {
    throw invalid(`it has ${typed.length} letters and must have ${letters}`);
  }
  const payload = new Uint8Array(payloadBytes);
  let bits = 0;
  let bitCount = 0;
  let length = 0;
  for (let i = 0; i < letters; i += 1) {
    const value = alphabet.indexOf(typed.charAt(i));
    if (value < 0)
      throw invalid(
        `letter ${(i % groupLetters) + 1} of group ${Math.floor(i / groupLetters) + 1} is none of ${alphabet}`,
      );
    bits = ((bits << 5) | value) & 0xfff;
    bitCount += 5;
    if (bitCount >= 8) {
      bitCount -= 8;
      payload[length] = bits >>> bitCount;
      length += 1;
    }
  }
  const checksum = checksumOf(payload);
  const padding = bits & ((1 << bitCount) - 1);
  if (padding !== 0 || checksum.some((byte, i) => byte !== payload[1 + recoverySecretBytes + i])) {
    throw invalid("its checksum does not match");
  }
  if (payload[0] !== version) {
    throw new HoldfastError("incompatible", `Cannot read the recovery key: it is of version ${payload[0]}`, {
      hint: "Use a newer Holdfast.",
    });
  }
  const secret = payload.slice(1, 1 + recoverySecretBytes);
  payload.fill(0);
  return secret;
}

function spell(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let bitCount = 0;
  for (const byte of bytes) {
    bits = ((bits << 8) | byte) & 0xfff;
    bitCount += 8;
    while (bitCount >= 5) {
      bitCount -= 5;
      text += alphabet.charAt((bits >>> bitCount) & 31);
    }
  }
  return bitCount === 0 ? text : text + alphabet.charAt((bits << (5 - bitCount)) & 31);
}

function checksumOf(payload: Uint8Array): Uint8Array {
  return sha256(payload.subarray(0, 1 + recoverySecretBytes)).subarray(0, checksumBytes);
}

function invalid(cause: string): HoldfastError {
  return new HoldfastError("invalid", `Cannot read the recovery key: ${cause}`, {
    hint: "Compare it with the printed one, group by group.",
  });
}
