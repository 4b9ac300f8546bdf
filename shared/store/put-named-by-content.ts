import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { ObjectStat, Store } from "./store.ts";

/** Tries of one put, each of which met an object that was gone when it was looked at. */
const triesMax = 5;

/**
 * Puts an object whose name only it can have, so that what is there by that name already is the same, put by a try before this one.
 *
 * An object that nobody has published may be swept at any time, also between the try that put it and the look at it: then it is put again, and
 * whoever publishes it learns from the log that its name was swept.
 *
 * @param isSame - whether what is there has the size, and what else is known, of what is to be put
 * @returns false: another object is there by that name
 * @throws {HoldfastError} unavailable: it may or may not be there
 */
export async function putNamedByContent(
  store: Store,
  object: { readonly key: string; readonly body: readonly Uint8Array[]; readonly sha256: Uint8Array },
  isSame: (there: ObjectStat) => boolean | Promise<boolean>,
): Promise<boolean> {
  const { key, body, sha256 } = object;
  for (let tries = 0; tries < triesMax; tries++) {
    try {
      await store.put(key, body, { sha256 });
      return true;
    } catch (error) {
      if (!isHoldfastError(error, "conflict")) throw error;
    }
    try {
      return await isSame(await store.head(key));
    } catch (error) {
      if (!isHoldfastError(error, "absent")) throw error;
    }
  }
  throw new HoldfastError("unavailable", `Cannot store ${key}: it was deleted ${triesMax} times before it was seen`, {
    detail: { key },
  });
}
