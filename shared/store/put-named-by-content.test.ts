import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { memoryStore } from "./memory-store.ts";
import { alreadyThere } from "./object-error.ts";
import { putNamedByContent } from "./put-named-by-content.ts";
import type { Store } from "./store.ts";

const key = "packs/ab/abcd";
const body = [Buffer.from("what is to be stored")];
const object = { key, body, sha256: createHash("sha256").update(body[0]!).digest() };
const isSame = ({ sizeBytes }: { readonly sizeBytes: number }): boolean => sizeBytes === body[0]!.byteLength;

/** A store whose first puts of the object are answered as if a try before them had put it, which was swept since. */
function sweptMeanwhile(store: Store, times: number): Store {
  let left = times;
  return {
    ...store,
    put: async (...put) => {
      if (left-- > 0) throw alreadyThere(key);
      await store.put(...put);
    },
  };
}

describe("putNamedByContent", () => {
  it("takes what is there already for its own, if it looks the same", async () => {
    const store = memoryStore();
    expect(await putNamedByContent(store, object, isSame)).toBe(true);
    expect(await putNamedByContent(store, object, isSame)).toBe(true);
    expect(await putNamedByContent(store, object, () => false)).toBe(false);
  });

  it("puts again what was swept between the try that put it and the look at it", async () => {
    const store = memoryStore();
    expect(await putNamedByContent(sweptMeanwhile(store, 2), object, isSame)).toBe(true);
    expect(Buffer.from(await store.get(key)).toString()).toBe("what is to be stored");
  });

  it("gives up where it is always gone before it is seen", async () => {
    await expect(
      putNamedByContent(sweptMeanwhile(memoryStore(), Number.POSITIVE_INFINITY), object, isSame),
    ).rejects.toMatchObject({ kind: "unavailable" });
  });
});
