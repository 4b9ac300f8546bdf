import { describe, expect, it } from "vitest";
import { HoldfastError } from "#shared/errors.ts";
import { systemRandom } from "#shared/random.ts";
import { memoryStore } from "./memory-store.ts";
import { requireOneCreator } from "./require-one-creator.ts";
import type { Store } from "./store.ts";

async function keysOf(store: Store): Promise<string[]> {
  const keys = [];
  for await (const { key } of store.list("")) keys.push(key);
  return keys;
}

describe("requireOneCreator", () => {
  it("accepts a store that refuses the second put, with two puts, and leaves nothing there", async () => {
    const inner = memoryStore();
    let puts = 0;
    const counted: Store = { ...inner, put: (...given) => (puts++, inner.put(...given)) };
    await requireOneCreator(counted, systemRandom);
    expect({ puts, keys: await keysOf(inner) }).toEqual({ puts: 2, keys: [] });
  });

  it("refuses a store that replaces what is there, or says that it did, and names doctor", async () => {
    for (const replaces of [true, false]) {
      const inner = memoryStore();
      const careless: Store = {
        ...inner,
        async put(key, body) {
          if (replaces) await inner.delete(key);
          await inner.put(key, body).catch(() => undefined);
        },
      };
      await expect(requireOneCreator(careless, systemRandom)).rejects.toMatchObject({
        kind: "incompatible",
        hint: expect.stringContaining("holdfast doctor"),
      });
    }
  });

  it("says nothing of a store that does not answer, and does not mind one that deletes nothing", async () => {
    const silent: Store = {
      ...memoryStore(),
      put: () => Promise.reject(new HoldfastError("unavailable", "no answer")),
    };
    await expect(requireOneCreator(silent, systemRandom)).rejects.toMatchObject({ kind: "unavailable" });
    const keeping: Store = { ...memoryStore(), delete: () => Promise.reject(new HoldfastError("denied", "no")) };
    await requireOneCreator(keeping, systemRandom);
  });
});
