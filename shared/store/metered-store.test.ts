import { expect, it } from "vitest";
import { memoryStore } from "./memory-store.ts";
import { meteredStore } from "./metered-store.ts";
import { storeConformance } from "./store.conformance.ts";

storeConformance(
  "meteredStore",
  async () => {
    const { store } = meteredStore(memoryStore());
    return { store, dispose: () => store.close() };
  },
  { tellsSha256: true },
);

it("meteredStore counts calls, failures and the bytes of what succeeded", async () => {
  const { store, meter } = meteredStore(memoryStore());
  await store.put("a", [new Uint8Array(10), new Uint8Array(5)]);
  await expect(store.put("a", [new Uint8Array(99)])).rejects.toMatchObject({ kind: "conflict" });
  await store.get("a");
  await store.get("a", { offsetBytes: 0, lengthBytes: 4 });
  await expect(store.get("b")).rejects.toMatchObject({ kind: "absent" });
  await store.head("a");
  for await (const object of store.list("")) expect(object.key).toBe("a");
  await store.delete("a");
  expect(meter).toEqual({
    puts: 2,
    gets: 3,
    heads: 1,
    lists: 1,
    deletes: 1,
    failures: 2,
    listedKeys: 1,
    upBytes: 15,
    downBytes: 19,
  });
});
