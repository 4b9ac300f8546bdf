import { type Bundle, decodeBundle, encodeBundle } from "#shared/crypto/bundle.ts";
import { deriveKey } from "#shared/crypto/derive-key.ts";
import { defaultPassphraseCost, derivePassphraseKey } from "#shared/crypto/passphrase.ts";
import { open, seal } from "#shared/crypto/seal.ts";
import {
  decodeKeySlot,
  encodeKeySlot,
  type KeySlot,
  keySlotAad,
  type SlotDerivation,
  type SlotRole,
} from "#shared/format/key-slot.ts";
import { idFromBytes, type KeySlotId, type StoreId } from "#shared/format/ids.ts";
import { keySlotKey, keySlotsPrefix } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { Random } from "#shared/random.ts";
import type { Clock } from "#shared/clock.ts";
import { concatBytes } from "#shared/bytes/concat-bytes.ts";

/** What opens a key slot: a passphrase that a person knows, or 32 random bytes (a recovery key or a key file). */
export type SlotSecret =
  | { readonly kind: "passphrase"; readonly passphrase: string }
  | { readonly kind: "random"; readonly secret: Uint8Array };

/** The store a slot belongs to. */
export type SlotStore = {
  readonly store: Store;
  readonly storeId: StoreId;
  /** SHA-256 of the object `config`: a slot opens only beside the config that it was made for. */
  readonly configSha256: Uint8Array;
};

/** Seals a bundle under a secret as a new slot, and stores it. */
export async function addKeySlot(
  place: SlotStore,
  slot: { readonly bundle: Bundle; readonly label: string; readonly secret: SlotSecret },
  ports: { readonly random: Random; readonly clock: Clock },
): Promise<KeySlot> {
  const { bundle, label, secret } = slot;
  if (bundle.role === "auditor")
    throw new HoldfastError("invalid", "Cannot make a key slot for an auditor: an auditor needs no key");
  const salt = ports.random(16);
  const derivation: SlotDerivation =
    secret.kind === "passphrase" ? { kind: "argon2id", salt, ...defaultPassphraseCost } : { kind: "hkdf-sha256", salt };
  const role: SlotRole = bundle.role;
  const open = {
    slotId: idFromBytes("key slot", ports.random(16)),
    storeId: place.storeId,
    role,
    label,
    createdMs: ports.clock.nowMs(),
    derivation,
    nonce: ports.random(24),
  };
  const key = await slotKey(secret, derivation);
  if (key === undefined) throw new HoldfastError("internal", "Cannot derive the key of a new slot");
  const sealedBundle = seal(
    { key, nonce: open.nonce, aad: keySlotAad(open, place.configSha256) },
    encodeBundle(bundle),
  );
  const made = { ...open, sealedBundle };
  await place.store.put(keySlotKey(made.slotId), [encodeKeySlot(made)]);
  return made;
}

/** A slot as listed: what could be read, or why not. */
export type ListedKeySlot =
  | { readonly key: string; readonly slot: KeySlot }
  | { readonly key: string; readonly problem: HoldfastError };

/** Whether a slot cannot be read where others may be: by the rights on it, or for a fault of its place. Nothing says that it is damaged. */
export function isUnreadable(problem: HoldfastError): boolean {
  return isHoldfastError(problem, "denied", "unavailable");
}

/** All slots of a store, those that cannot be read included. Slots of another store, and such as were removed meanwhile, are passed over. */
export async function listKeySlots(place: SlotStore): Promise<ListedKeySlot[]> {
  const keys: string[] = [];
  for await (const { key } of place.store.list(keySlotsPrefix)) keys.push(key);
  const slots: ListedKeySlot[] = [];
  for (let from = 0; from < keys.length; from += slotsAtOnce) {
    const read = await Promise.all(keys.slice(from, from + slotsAtOnce).map((key) => readKeySlot(place, key)));
    slots.push(...read.filter((each) => each !== undefined));
  }
  return slots;
}

/** Slots read at once. */
const slotsAtOnce = 16;

async function readKeySlot(place: SlotStore, key: string): Promise<ListedKeySlot | undefined> {
  try {
    const name = key.slice(keySlotsPrefix.length);
    const slot = decodeKeySlot(await place.store.get(key), name);
    if (slot.slotId !== name)
      throw new HoldfastError("corrupt", `Cannot read key slot ${name}: it is the slot ${slot.slotId}`);
    return slot.storeId === place.storeId ? { key, slot } : undefined;
  } catch (error) {
    if (isHoldfastError(error, "absent")) return undefined;
    if (!isHoldfastError(error, "corrupt", "incompatible", "denied", "unavailable")) throw error;
    return { key, problem: error };
  }
}

/** Deletes a slot. Whoever holds its secret and an old copy of the slot can still open what is in the store now. */
export async function removeKeySlot(place: SlotStore, slotId: KeySlotId): Promise<void> {
  await place.store.delete(keySlotKey(slotId));
}

/** A slot that a secret opened. */
export type OpenedKeySlot = {
  readonly bundle: Bundle;
  readonly slot: KeySlot;
  /** Of the slots that could not be read, and may be whole: why not. */
  readonly unread: readonly HoldfastError[];
};

/**
 * Opens the first slot that the secret fits, of those that can be read.
 *
 * @throws {HoldfastError} denied: no slot opens with it; or none does, and some slot may not be read
 * @throws {HoldfastError} unavailable: none opens, and some slot cannot be read now
 * @throws {HoldfastError} corrupt: none opens, and some slot is damaged
 */
export async function openKeySlot(place: SlotStore, secret: SlotSecret): Promise<OpenedKeySlot> {
  const listed = await listKeySlots(place);
  const problems = listed.flatMap((each) => ("problem" in each ? [each.problem] : []));
  const unread = problems.filter(isUnreadable);
  for (const each of listed) {
    if (!("slot" in each)) continue;
    const key = await slotKey(secret, each.slot.derivation);
    if (key === undefined) continue;
    try {
      const aad = keySlotAad(each.slot, place.configSha256);
      return {
        bundle: decodeBundle(open({ key, nonce: each.slot.nonce, aad }, each.slot.sealedBundle)),
        slot: each.slot,
        unread,
      };
    } catch (error) {
      if (!isHoldfastError(error, "corrupt")) throw error;
    }
  }
  const given = secret.kind === "passphrase" ? "the passphrase" : "the key";
  const [first] = unread;
  if (first !== undefined) {
    const message =
      unread.length === listed.length
        ? `Cannot open the store: none of its ${listed.length} key slots can be read: ${first.message}`
        : `Cannot open the store: ${given} fits none of the key slots that can be read, and ${unread.length} of ${listed.length} cannot be: ${first.message}`;
    throw new HoldfastError(first.kind, message, {
      detail: first.detail,
      ...(first.hint === undefined ? {} : { hint: first.hint }),
      cause: first,
    });
  }
  const [problem] = problems;
  if (problem !== undefined) {
    throw new HoldfastError(problem.kind, problem.message, {
      detail: problem.detail,
      hint: "Open the store with another of its keys, such as the recovery key (--keyfile), and make a new slot with `holdfast key add`; or bring this object back from a copy of the store.",
      cause: problem,
    });
  }
  if (listed.length === 0) {
    throw new HoldfastError("corrupt", "Cannot open the store: it has no key slots", {
      hint: "Bring back the objects below keys/ from a copy of the store.",
    });
  }
  throw new HoldfastError("denied", `Cannot open the store: ${given} fits none of its key slots`, {
    hint: "Check that it is the right one for this store.",
  });
}

async function slotKey(secret: SlotSecret, derivation: SlotDerivation): Promise<Uint8Array | undefined> {
  if (secret.kind === "passphrase") {
    return derivation.kind === "argon2id"
      ? derivePassphraseKey(secret.passphrase.normalize("NFC"), derivation)
      : undefined;
  }
  return derivation.kind === "hkdf-sha256"
    ? deriveKey(concatBytes(secret.secret, derivation.salt), "holdfast/v1/slot")
    : undefined;
}

/** Slots that are damaged: objects below `keys/` whose secrets open nothing any more. Those of newer programs are none. */
export async function damagedKeySlots(
  place: SlotStore,
): Promise<readonly { readonly key: string; readonly message: string }[]> {
  const damaged: { readonly key: string; readonly message: string }[] = [];
  for (const each of await listKeySlots(place))
    if ("problem" in each && each.problem.kind === "corrupt") {
      const message = `${each.problem.message}. What it was made for opens the store no more: make another with \`holdfast key add\`, then remove this one with \`holdfast key remove --apply ${each.key.slice(keySlotsPrefix.length)}\`.`;
      damaged.push({ key: each.key, message });
    }
  return damaged;
}
