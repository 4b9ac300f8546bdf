import type { DamagedKey, Engine, KeySummary, UnreadableKey } from "#agent/commands/engine.ts";
import { systemClock } from "#shared/clock.ts";
import { type Bundle, writerBundle } from "#shared/crypto/bundle.ts";
import { encodeRecoveryKey, recoverySecretBytes } from "#shared/crypto/recovery-key.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { KeySlotId } from "#shared/format/ids.ts";
import type { KeySlot } from "#shared/format/key-slot.ts";
import type { Reporter } from "#shared/operations/progress.ts";
import { systemRandom } from "#shared/random.ts";
import {
  addKeySlot,
  isUnreadable,
  type ListedKeySlot,
  listKeySlots,
  removeKeySlot,
  type SlotStore,
} from "#shared/repository/key-slots.ts";
import { keySlotsPrefix } from "#shared/store/object-key.ts";
import { requireClock } from "./require-clock.ts";
import type { Session } from "./session.ts";

/** The label of the slot that the recovery key opens. */
const recoveryLabel = "recovery key";

type KeyOperations = Pick<
  Engine,
  "keys" | "addKey" | "keyToRemove" | "removeKey" | "addRecoveryKey" | "changePassphrase"
>;

/** The operations on the key slots of a store. */
export function keyOperations(session: () => Promise<Session>, reporter: Reporter): KeyOperations {
  return {
    async keys() {
      const { slot, ...opened } = await session();
      const listed = await listKeySlots(slotStore(opened));
      return listed.flatMap<KeySummary | UnreadableKey>((each) => {
        if ("slot" in each) return [keySummary(each.slot, slot)];
        if (isUnreadable(each.problem)) return [unreadableKey(each.key, each.problem)];
        reporter.notice({ level: "warning", message: each.problem.message });
        return [];
      });
    },
    async addKey({ role, label, newPassphrase }) {
      requireClock();
      const opened = await session();
      const bundle = await bundleFor(opened.bundle, role);
      const secret = systemRandom(recoverySecretBytes);
      const slot = await addKeySlot(
        slotStore(opened),
        {
          bundle,
          label,
          secret:
            newPassphrase === undefined
              ? { kind: "random", secret }
              : { kind: "passphrase", passphrase: await newPassphrase() },
        },
        { random: systemRandom, clock: systemClock },
      );
      const keyfile =
        newPassphrase === undefined ? new TextEncoder().encode(`${encodeRecoveryKey(secret)}\n`) : undefined;
      return { slot: keySummary(slot, opened.slot), keyfile };
    },
    async keyToRemove(slotPrefix) {
      const opened = await session();
      const picked = await slotToRemove(opened, slotPrefix);
      return describeSlot(picked, opened.slot);
    },
    async removeKey(slotPrefix) {
      const opened = await session();
      const picked = await slotToRemove(opened, slotPrefix);
      await opened.store.delete(picked.key);
      return describeSlot(picked, opened.slot);
    },
    async addRecoveryKey(keep) {
      requireClock();
      const opened = await session();
      requireOwner(opened.bundle);
      const secret = systemRandom(recoverySecretBytes);
      await keep(encodeRecoveryKey(secret), opened.read.config.storeId);
      const added = await addKeySlot(
        slotStore(opened),
        { bundle: opened.bundle, label: recoveryLabel, secret: { kind: "random", secret } },
        { random: systemRandom, clock: systemClock },
      );
      return keySummary(added, opened.slot);
    },
    async changePassphrase(newPassphrase) {
      requireClock();
      const opened = await session();
      const { slot, bundle } = opened;
      if (slot === undefined) throw new HoldfastError("invalid", "Cannot change the passphrase: this store has none");
      if (slot.derivation.kind !== "argon2id") {
        throw new HoldfastError("invalid", "Cannot change the passphrase: the store was opened with a key file", {
          hint: "Open it with the passphrase that is to be changed.",
        });
      }
      const passphrase = await newPassphrase();
      const place = slotStore(opened);
      const added = await addKeySlot(
        place,
        { bundle, label: slot.label, secret: { kind: "passphrase", passphrase } },
        { random: systemRandom, clock: systemClock },
      );
      await removeKeySlot(place, slot.slotId);
      return keySummary(added, added);
    },
  };
}

function slotStore({ store, read }: Pick<Session, "store" | "read">): SlotStore {
  return { store, storeId: read.config.storeId, configSha256: read.configSha256 };
}

function requireOwner(bundle: Bundle): asserts bundle is Bundle & { role: "owner" } {
  if (bundle.role !== "owner")
    throw new HoldfastError("denied", "Cannot change keys: only an owner may", {
      hint: "Use an owner's passphrase or key file.",
    });
}

async function bundleFor(bundle: Bundle, role: "owner" | "writer"): Promise<Bundle> {
  requireOwner(bundle);
  return role === "owner" ? bundle : writerBundle(bundle.masterSecret);
}

/** The name of a slot, which is its id if it is not damaged. */
function slotName(key: string): string {
  return key.slice(keySlotsPrefix.length);
}

function unreadableKey(key: string, { message }: HoldfastError): UnreadableKey {
  return { slotId: slotName(key), unreadable: true, reason: message };
}

/**
 * The slot that an owner may remove: also one that is damaged or that this user cannot read.
 *
 * @throws {HoldfastError} denied: not an owner; absent; conflict: it is the last slot of an owner that can be read
 */
async function slotToRemove(opened: Session, slotPrefix: string): Promise<ListedKeySlot> {
  requireOwner(opened.bundle);
  const listed = await listKeySlots(slotStore(opened));
  const picked = pickSlot(listed, slotPrefix);
  if ("problem" in picked) {
    if (picked.problem.kind !== "corrupt" && !isUnreadable(picked.problem)) throw picked.problem;
    return picked;
  }
  const owners = listed.filter((each) => "slot" in each && each.slot.role === "owner");
  if (picked.slot.role === "owner" && owners.length === 1) {
    throw new HoldfastError(
      "conflict",
      `Cannot remove key slot ${picked.slot.slotId.slice(0, 8)}: it is the last one of an owner`,
      { hint: "Add another owner's key first; without one nothing in the store can be read." },
    );
  }
  return picked;
}

function describeSlot(
  listed: ListedKeySlot,
  current: { readonly slotId: KeySlotId } | undefined,
): KeySummary | DamagedKey | UnreadableKey {
  if ("slot" in listed) return keySummary(listed.slot, current);
  const { key, problem } = listed;
  return problem.kind === "corrupt" ? { slotId: slotName(key), damaged: true } : unreadableKey(key, problem);
}

function pickSlot(slots: readonly ListedKeySlot[], prefix: string): ListedKeySlot {
  const found = slots.filter((each) => slotName(each.key).toLowerCase().startsWith(prefix.toLowerCase()));
  const [only] = found;
  if (only === undefined)
    throw new HoldfastError("absent", `Cannot find a key slot whose id begins with ${prefix}`, {
      hint: "List them with `holdfast key list`.",
    });
  if (found.length > 1)
    throw new HoldfastError(
      "invalid",
      `Cannot tell which key slot is meant: ${found.length} ids begin with ${prefix}`,
      { hint: "Give more digits." },
    );
  return only;
}

function keySummary(slot: KeySlot, current: { readonly slotId: KeySlotId } | undefined): KeySummary {
  return {
    slotId: slot.slotId,
    role: slot.role,
    label: slot.label,
    form: slot.derivation.kind === "argon2id" ? "passphrase" : slot.label === recoveryLabel ? "recovery" : "keyfile",
    createdMs: slot.createdMs,
    current: slot.slotId === current?.slotId,
  };
}
