import { describe, expect, it } from "vitest";
import { HoldfastError } from "#shared/errors.ts";
import { failAtCall, failAtRandom, faultyStore } from "./faulty-store.ts";
import { manualClock } from "./manual-clock.ts";
import { memoryStore } from "./memory-store.ts";
import { storeConformance } from "./store.conformance.ts";

storeConformance("faultyStore without faults", async () => {
  const store = faultyStore(memoryStore(), { fault: () => undefined, latencyMs: 5, clock: manualClock() });
  return { store, dispose: () => store.close() };
});

function draw(seed: number): string[] {
  const fault = failAtRandom({ seed, rate: 0.25 });
  return Array.from({ length: 4000 }, (_, index) => fault({ number: index, verb: "get", key: "x" })?.when ?? "-");
}

describe("faultyStore", () => {
  it("fails the n-th call only, before its effect, with the chosen error", async () => {
    const inner = memoryStore();
    const error = new HoldfastError("denied", "no");
    const store = faultyStore(inner, { fault: failAtCall(2, { when: "before", error }) });
    await store.put("a", []);
    await expect(store.put("b", [])).rejects.toBe(error);
    await expect(inner.head("b")).rejects.toMatchObject({ kind: "absent" });
    await store.put("b", []);
  });

  it("loses the reply of a call that took effect", async () => {
    const inner = memoryStore();
    const store = faultyStore(inner, { fault: failAtCall(1, { when: "after" }) });
    await expect(store.put("a", [Uint8Array.of(1)])).rejects.toMatchObject({ kind: "unavailable" });
    expect([...(await inner.get("a"))]).toEqual([1]);
  });

  it("tears bodies, and cuts listings short", async () => {
    const inner = memoryStore();
    const store = faultyStore(inner, { fault: () => ({ when: "torn" }) });
    await expect(store.put("a", [new Uint8Array(10)])).rejects.toMatchObject({ kind: "unavailable" });
    expect((await inner.head("a")).sizeBytes).toBe(5);
    expect((await store.get("a")).byteLength).toBe(2);
    await inner.put("b", []);
    const keys: string[] = [];
    for await (const { key } of store.list("")) keys.push(key);
    expect(keys).toEqual(["a"]);
  });

  it("gives the same faults for the same seed, at about the rate asked for", () => {
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    const faults = draw(1).filter((when) => when !== "-").length;
    expect(faults).toBeGreaterThan(800);
    expect(faults).toBeLessThan(1200);
  });

  it("adds latency by its clock", async () => {
    const clock = manualClock();
    await faultyStore(memoryStore(), { fault: () => undefined, latencyMs: 50, clock }).put("a", []);
    expect(clock.sleptMs).toEqual([50]);
  });
});
