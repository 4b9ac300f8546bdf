import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { Random } from "#shared/random.ts";
import { doctorPrefix } from "./object-key.ts";
import type { Store } from "./store.ts";

/**
 * Makes sure that a store refuses to create an object that is there, by two puts of an object of its own: where it does not, the log entry of one backup
 * replaces that of another. It finds servers that do not know `If-None-Match`; those that fail only when creators race are for `probeStore`.
 *
 * @throws {HoldfastError} incompatible: it does not refuse
 * @throws {HoldfastError} what the store throws
 */
export async function requireOneCreator(store: Store, random: Random): Promise<void> {
  const key = `${doctorPrefix}${Buffer.from(random(16)).toString("hex")}`;
  // Of different bytes: a put of equal ones may be taken for the first one, which arrived late.
  await store.put(key, [Buffer.from("first")]);
  try {
    await store.put(key, [Buffer.from("second")]);
  } catch (error) {
    if (isHoldfastError(error, "conflict")) return;
    throw error;
  } finally {
    // Whatever lies there may be deleted at any time; these credentials may not be allowed to.
    await store.delete(key).catch(() => undefined);
  }
  throw new HoldfastError(
    "incompatible",
    `Cannot write to ${store.description}: it replaces an object where it has to refuse, so that two backups at a time could lose one another`,
    {
      hint: "Run `holdfast doctor` on it to see what it lacks, and keep the store on another server or in a directory.",
    },
  );
}
