/**
 * Object keys: which names are legal in every store, and the layout of a Holdfast store (DESIGN §3).
 *
 * A key is ASCII parts of `[A-Za-z0-9._-]` joined by `/`. No part is empty, `.` or `..`; a part has at most 200 bytes (file
 * systems allow 255, and some servers append a suffix), a key at most 512. The first part is never `tmp`: the directory
 * store keeps its unfinished files there. No key is a folder of another key (`a` and `a/b`), and no two keys differ in case
 * only: file systems could not hold both.
 */
import { HoldfastError } from "#shared/errors.ts";

/** The longest key, in bytes. */
export const maxKeyBytes = 512;

/** The longest part of a key, in bytes. */
export const maxKeyPartBytes = 200;

const keyPart = `(?!\\.{1,2}(?:/|$))[A-Za-z0-9._-]{1,${maxKeyPartBytes}}`;
const legalKey = new RegExp(`^(?!tmp(?:/|$))${keyPart}(?:/${keyPart})*$`);
const legalPrefix = new RegExp(`^(?:${keyPart}/)*[A-Za-z0-9._-]{0,${maxKeyPartBytes}}$`);

/** The key of the store descriptor. */
export const configKey = "config";
/** What the keys of all key slots start with. */
export const keySlotsPrefix = "keys/";
/** What the keys of all packs start with. */
export const packsPrefix = "packs/";
/** What the keys of all states start with. */
export const statesPrefix = "states/";
/** What the keys of all log entries start with. */
export const logPrefix = "log/";
/** What the keys of all checkpoints start with. */
export const checkpointsPrefix = "checkpoints/";
/** What the keys of all parts of checkpoints start with. */
export const checkpointPartsPrefix = "checkpoints/parts/";
/** Where `probeStore` works; whatever lies there is left over from a probe and may be deleted. */
export const doctorPrefix = "doctor/";

/** Whether `key` may name an object. */
export function isObjectKey(key: string): boolean {
  return key.length <= maxKeyBytes && legalKey.test(key);
}

/** Checks that `key` may name an object. @throws {HoldfastError} invalid */
export function requireObjectKey(key: string): void {
  if (!isObjectKey(key)) {
    throw new HoldfastError("invalid", `Cannot use "${key.slice(0, maxKeyBytes)}" as an object key: it is not legal`, {
      detail: { key: key.slice(0, maxKeyBytes) },
      hint: `Use parts of A-Z a-z 0-9 . _ - joined by "/", at most ${maxKeyPartBytes} bytes each and ${maxKeyBytes} in all.`,
    });
  }
}

/** Checks that `prefix` is the beginning of some legal key; it may be empty and may end in `/`. @throws {HoldfastError} invalid */
export function requireKeyPrefix(prefix: string): void {
  if (prefix.length > maxKeyBytes || !legalPrefix.test(prefix)) {
    throw new HoldfastError("invalid", `Cannot list "${prefix.slice(0, maxKeyBytes)}": no object key starts so`, {
      detail: { prefix: prefix.slice(0, maxKeyBytes) },
    });
  }
}

/** The key of a key slot. `slotId` is one legal key part. @throws {HoldfastError} invalid */
export function keySlotKey(slotId: string): string {
  const key = keySlotsPrefix + slotId;
  if (slotId.includes("/")) throw new HoldfastError("invalid", `Cannot name a key slot "${slotId}": it contains "/"`);
  requireObjectKey(key);
  return key;
}

/** The key of a pack: `packs/<first 2 hex>/<hex>`. @param packIdHex - 64 lower-case hex digits @throws {HoldfastError} invalid */
export function packKey(packIdHex: string): string {
  return packsPrefix + fannedOut(packIdHex);
}

/** The key of a state: `states/<first 2 hex>/<hex>`. @param stateIdHex - 64 lower-case hex digits @throws {HoldfastError} invalid */
export function stateKey(stateIdHex: string): string {
  return statesPrefix + fannedOut(stateIdHex);
}

/** The key of log entry `seq`: `log/` and 20 digits, so that byte order is number order. @throws {HoldfastError} invalid */
export function logKey(seq: number): string {
  return logPrefix + twentyDigits(seq);
}

/** The key of the checkpoint that folds entries 1..`seq`. @throws {HoldfastError} invalid */
export function checkpointKey(seq: number): string {
  return checkpointsPrefix + twentyDigits(seq);
}

/** The key of a part of checkpoints. @param partIdHex - 64 lower-case hex digits @throws {HoldfastError} invalid */
export function checkpointPartKey(partIdHex: string): string {
  if (!/^[0-9a-f]{64}$/.test(partIdHex)) {
    throw new HoldfastError("invalid", `Cannot name an object "${partIdHex}": an id is 64 lower-case hex digits`);
  }
  return checkpointPartsPrefix + partIdHex;
}

/**
 * The number in a key made by `logKey` or `checkpointKey`.
 *
 * @throws {HoldfastError} invalid: the key does not end in 20 digits, or the number is not a safe integer
 */
export function seqOfKey(key: string): number {
  const digits = key.slice(key.lastIndexOf("/") + 1);
  const seq = Number(digits);
  if (!/^[0-9]{20}$/.test(digits) || !Number.isSafeInteger(seq)) {
    throw new HoldfastError("invalid", `Cannot read a sequence number from "${key}": it does not end in 20 digits`);
  }
  return seq;
}

/**
 * The SHA-256 that a key promises of its object: packs are named by the hash of their bytes. (A state is named by the hash
 * of its head.)
 *
 * @returns 64 lower-case hex digits, or undefined for keys of other kinds
 */
export function sha256HexOfKey(key: string): string | undefined {
  if (!key.startsWith(packsPrefix)) return undefined;
  const hex = key.slice(key.lastIndexOf("/") + 1);
  return /^[0-9a-f]{64}$/.test(hex) ? hex : undefined;
}

/** The id in a key made by `stateKey`: 64 lower-case hex digits; undefined for whatever else lies there. */
export function stateHexOfKey(key: string): string | undefined {
  return /^states\/[0-9a-f]{2}\/([0-9a-f]{64})$/.exec(key)?.[1];
}

function fannedOut(hex: string): string {
  if (!/^[0-9a-f]{64}$/.test(hex)) {
    throw new HoldfastError("invalid", `Cannot name an object "${hex}": an id is 64 lower-case hex digits`);
  }
  return `${hex.slice(0, 2)}/${hex}`;
}

function twentyDigits(seq: number): string {
  if (!Number.isSafeInteger(seq) || seq < 0) {
    throw new HoldfastError(
      "invalid",
      `Cannot name an object by the number ${seq}: it is not a safe, positive integer`,
    );
  }
  return String(seq).padStart(20, "0");
}
