import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { limitedStore } from "./limited-store.ts";
import { manualClock } from "./manual-clock.ts";
import { memoryStore } from "./memory-store.ts";
import { storeConformance } from "./store.conformance.ts";
import type { Store } from "./store.ts";

storeConformance("limitedStore", async () => {
  const store = limitedStore(memoryStore(), {
    clock: manualClock(),
    requests: 3,
    upBytesPerSecond: 1000,
    downBytesPerSecond: 1000,
  });
  return { store, dispose: () => store.close() };
});

describe("limitedStore", () => {
  it("never runs more calls at once than it may, and runs them in order", async () => {
    let running = 0;
    let most = 0;
    const order: string[] = [];
    const slow: Store = {
      ...memoryStore(),
      async head(key) {
        order.push(key);
        most = Math.max(most, ++running);
        await turn();
        running--;
        return { sizeBytes: 0 };
      },
    };
    const store = limitedStore(slow, { clock: manualClock(), requests: 4 });
    const keys = Array.from({ length: 3000 }, (_, index) => `k${index}`);
    await Promise.all(keys.map((key) => store.head(key)));
    expect(most).toBe(4);
    expect(order).toEqual(keys);
  });

  it("does not wait for itself when a listing's reader calls it", async () => {
    const store = limitedStore(memoryStore(), { clock: manualClock(), requests: 1 });
    for (const key of ["a", "b", "c"]) await store.put(key, []);
    for await (const { key } of store.list("")) expect((await store.head(key)).sizeBytes).toBe(0);
  });

  it("keeps to the bytes a second, in either direction", async () => {
    const clock = manualClock();
    const store = limitedStore(memoryStore(), { clock, upBytesPerSecond: 1000, downBytesPerSecond: 500 });
    for (let index = 0; index < 20; index++) await store.put(`k${index}`, [new Uint8Array(700)]);
    // 14,000 bytes at 1,000 a second, less the second's worth that an idle store may send at once.
    expect(clock.nowMs()).toBe(13_000);
    for (let index = 0; index < 20; index++) await store.get(`k${index}`);
    expect(clock.nowMs()).toBeGreaterThanOrEqual(13_000 + 28_000 - 1000 - 1400);
    expect(clock.nowMs()).toBeLessThanOrEqual(13_000 + 28_000);
    const before = clock.nowMs();
    for (let index = 0; index < 20; index++) await store.get(`k${index}`, { offsetBytes: 0, lengthBytes: 100 });
    expect(clock.nowMs()).toBeGreaterThanOrEqual(before + 3000);
  });

  it("lets a body larger than a second's worth through, and those behind it pay", async () => {
    const clock = manualClock();
    const store = limitedStore(memoryStore(), { clock, upBytesPerSecond: 1000 });
    await store.put("large", [new Uint8Array(10_000)]);
    expect(clock.nowMs()).toBe(0);
    await store.put("small", [new Uint8Array(1)]);
    expect(clock.nowMs()).toBeGreaterThanOrEqual(9000);
  });

  it("refuses limits that let nothing through", () => {
    for (const limit of [0, -1, Number.NaN]) {
      expect(() => limitedStore(memoryStore(), { clock: manualClock(), requests: limit })).toThrow("Cannot limit");
    }
  });
});
