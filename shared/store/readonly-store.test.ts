import { expect, it } from "vitest";
import { memoryStore } from "./memory-store.ts";
import { readonlyStore } from "./readonly-store.ts";
import { storeConformance } from "./store.conformance.ts";
import type { Store } from "./store.ts";

// What reads is the wrapper; what the suite writes goes past it.
storeConformance("readonlyStore", async () => {
  const inner = memoryStore();
  const store: Store = {
    ...readonlyStore(inner),
    put: (key, body, options) => inner.put(key, body, options),
    delete: (key) => inner.delete(key),
  };
  return { store, dispose: () => store.close() };
});

it("readonlyStore denies put and delete, and changes nothing", async () => {
  const inner = memoryStore();
  await inner.put("x", [Uint8Array.of(1)]);
  const store = readonlyStore(inner);
  await expect(store.put("y", [])).rejects.toMatchObject({ kind: "denied" });
  await expect(store.delete("x")).rejects.toMatchObject({ kind: "denied" });
  expect([...(await store.get("x"))]).toEqual([1]);
  await expect(inner.head("y")).rejects.toMatchObject({ kind: "absent" });
});
