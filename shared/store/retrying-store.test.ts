import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { HoldfastError } from "#shared/errors.ts";
import { systemRandom } from "#shared/random.ts";
import { failAtCall, failAtRandom, faultyStore } from "./faulty-store.ts";
import type { FaultyStoreOptions } from "./faulty-store.ts";
import { manualClock } from "./manual-clock.ts";
import { memoryStore } from "./memory-store.ts";
import { retryingStore } from "./retrying-store.ts";
import type { RetryingStoreOptions } from "./retrying-store.ts";
import { storeConformance } from "./store.conformance.ts";
import type { Store } from "./store.ts";

const seed = Number(process.env["HOLDFAST_TEST_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

storeConformance(
  `retryingStore over a store that fails 3 calls of 10 (seed ${seed})`,
  async () => {
    const faulty = faultyStore(memoryStore(), { fault: failAtRandom({ seed, rate: 0.3 }) });
    const store = retryingStore(faulty, { clock: manualClock(), random: systemRandom, attempts: 100 });
    return { store, dispose: () => store.close() };
  },
  { mayClaimEqualBytes: true },
);

const bytes = (text: string): Uint8Array[] => [Buffer.from(text)];
const highest = (lengthBytes: number): Uint8Array<ArrayBuffer> => new Uint8Array(lengthBytes).fill(255);

function asking(retryAfterMs: number): HoldfastError {
  return new HoldfastError("unavailable", "slow down", { detail: { retryAfterMs } });
}

function trial(fault: FaultyStoreOptions["fault"], options: Partial<RetryingStoreOptions> = {}) {
  const inner = memoryStore();
  const clock = manualClock();
  const calls: string[] = [];
  const faulty = faultyStore(inner, {
    fault: (call) => {
      calls.push(call.verb);
      return fault(call);
    },
  });
  return { inner, clock, calls, store: retryingStore(faulty, { clock, random: highest, ...options }) };
}

describe("retryingStore", () => {
  it("waits twice as long each time, up to its cap, and gives up with the number of attempts", async () => {
    const { store, clock } = trial(() => ({ when: "before" }), { attempts: 6, baseDelayMs: 100, maxDelayMs: 1000 });
    await expect(store.get("x")).rejects.toMatchObject({
      kind: "unavailable",
      detail: { attempts: 6 },
      message: expect.stringContaining("(tried 6 times in 3 s)"),
    });
    expect(clock.sleptMs).toEqual([100, 200, 400, 800, 1000]);
  });

  it("tries for 15 minutes, whatever the random numbers are, and not one second longer", async () => {
    for (const random of [highest, (size: number) => new Uint8Array(size)]) {
      const { store, clock } = trial(() => ({ when: "before" }), { random });
      await expect(store.get("x")).rejects.toMatchObject({ kind: "unavailable" });
      expect(clock.nowMs()).toBe(15 * 60_000);
    }
  });

  it("is over an outage of any length below its time", async () => {
    const clock = manualClock();
    const inner = memoryStore();
    await inner.put("x", bytes("x"));
    const faulty = faultyStore(inner, { fault: () => (clock.nowMs() < 14 * 60_000 ? { when: "before" } : undefined) });
    await retryingStore(faulty, { clock, random: systemRandom }).get("x");
    expect(clock.nowMs()).toBeGreaterThanOrEqual(14 * 60_000);
  });

  it("tries once where it is to try for no time", async () => {
    const { store, calls } = trial(() => ({ when: "before" }), { retryForMs: () => 0 });
    await expect(store.get("x")).rejects.toMatchObject({ message: expect.stringContaining("(tried once)") });
    expect(calls).toEqual(["get"]);
  });

  it("does not begin its time anew for a call that begins when the outage has outlasted it", async () => {
    const { store, calls } = trial(() => ({ when: "before" }), { retryForMs: () => 5000 });
    await expect(store.get("x")).rejects.toMatchObject({ kind: "unavailable" });
    calls.length = 0;
    await expect(store.get("y")).rejects.toMatchObject({ kind: "unavailable" });
    expect(calls).toEqual(["get"]);
  });

  it("tries what is told to be brief a few times only", async () => {
    const error = new HoldfastError("unavailable", "the disk reports an error", { detail: { brief: true } });
    const { store, calls, clock } = trial(() => ({ when: "before", error }));
    await expect(store.get("x")).rejects.toMatchObject({ kind: "unavailable" });
    expect({ tries: calls.length, isShort: clock.nowMs() < 30_000 }).toEqual({ tries: 8, isShort: true });
  });

  it("tells of an outage once, however many calls meet it, and once that it is over", async () => {
    const told: string[] = [];
    const { store, inner, clock } = trial(() => (clock.nowMs() < 60_000 ? { when: "before" } : undefined), {
      onOutage: ({ error }) => told.push(error.message),
      onRecovery: ({ lastedMs }) => told.push(`over ${lastedMs >= 60_000}`),
    });
    await inner.put("x", bytes("x"));
    await Promise.all(Array.from({ length: 20 }, () => store.get("x")));
    expect(told).toEqual([expect.stringContaining("a fault was asked for"), "over true"]);
  });

  it("tells nothing of a hiccup", async () => {
    const told: unknown[] = [];
    const { store } = trial((call) => (call.number <= 2 ? { when: "before" } : undefined), {
      onOutage: (outage) => told.push(outage),
      onRecovery: (outage) => told.push(outage),
    });
    await store.put("x", bytes("x"));
    expect(told).toEqual([]);
  });

  it("does not try again what is told to last", async () => {
    const error = new HoldfastError("unavailable", "the disk is full", { detail: { lasting: true } });
    const { store, clock, calls } = trial(() => ({ when: "before", error }));
    await expect(store.put("x", bytes("x"))).rejects.toBe(error);
    expect({ calls, slept: clock.sleptMs }).toEqual({ calls: ["put"], slept: [] });
  });

  it("jitters over half of the delay, and never waits less", async () => {
    const { store, clock } = trial(failAtCall(1, { when: "before" }), { random: (size) => new Uint8Array(size) });
    await store.put("x", []);
    expect(clock.sleptMs).toEqual([100]);
  });

  it("waits at least as long as the server asks, and not at all for hours", async () => {
    const patient = trial(failAtCall(1, { when: "before", error: asking(7000) }), { baseDelayMs: 10 });
    await patient.store.put("x", []);
    expect(patient.clock.sleptMs).toEqual([7010]);
    const hopeless = trial(failAtCall(1, { when: "before", error: asking(3_600_000) }));
    await expect(hopeless.store.put("x", [])).rejects.toMatchObject({ kind: "unavailable" });
    expect(hopeless.clock.sleptMs).toEqual([]);
  });

  it.each(["absent", "denied", "conflict", "corrupt", "incompatible", "invalid", "internal"] as const)(
    "does not retry %s",
    async (kind) => {
      const { store, calls } = trial(failAtCall(1, { when: "before", error: new HoldfastError(kind, "no") }));
      await expect(store.put("x", [])).rejects.toMatchObject({ kind });
      expect(calls).toEqual(["put"]);
    },
  );

  it("recognises its own object after a lost reply, without sending it again", async () => {
    for (const options of [undefined, { sha256: createHash("sha256").update("mine").digest() }]) {
      const { store, calls, inner } = trial(failAtCall(1, { when: "after" }));
      await store.put("log/1", bytes("mine"), options);
      expect(calls.filter((verb) => verb === "put")).toEqual(["put"]);
      expect(Buffer.from(await inner.get("log/1")).toString()).toBe("mine");
    }
  });

  it("reports a conflict when another's object of the same size is there after a lost request", async () => {
    for (const other of ["mime", "longer"]) {
      const { store, inner } = trial(failAtCall(1, { when: "before" }));
      await inner.put("log/1", bytes(other));
      await expect(store.put("log/1", bytes("mine"))).rejects.toMatchObject({ kind: "conflict" });
    }
  });

  it("reports a conflict at once when the first put meets one, even with the same bytes", async () => {
    const { store, inner, calls } = trial(() => undefined);
    await inner.put("log/1", bytes("mine"));
    await expect(store.put("log/1", bytes("mine"))).rejects.toMatchObject({ kind: "conflict" });
    expect(calls).toEqual(["put"]);
  });

  it("recognises its own object when the first request arrives only after it looked", async () => {
    const inner = memoryStore();
    let puts = 0;
    const late: Store = {
      ...inner,
      async put(key, body) {
        if (++puts === 1) throw new HoldfastError("unavailable", "timed out");
        await inner.put(key, bytes("mine")); // the first request, arriving now
        await inner.put(key, body);
      },
    };
    await retryingStore(late, { clock: manualClock(), random: highest }).put("log/1", bytes("mine"));
    expect(puts).toBe(2);
  });

  it("goes on with a listing behind the last key that it gave, each key once", async () => {
    const { store, inner } = trial((call) => (call.number <= 4 ? { when: "after" } : undefined), { attempts: 2 });
    const keys = Array.from({ length: 40 }, (_, index) => `k/${String(index).padStart(2, "0")}`);
    for (const key of keys) await inner.put(key, []);
    const got: string[] = [];
    for await (const { key } of store.list("k/")) got.push(key);
    expect(got).toEqual(keys);
  });

  it("ends with interrupted when aborted, and starts no further attempt", async () => {
    const controller = new AbortController();
    const { store, calls } = trial(() => ({ when: "before" }), {
      signal: controller.signal,
      onOutage: () => controller.abort(),
    });
    await expect(store.get("x")).rejects.toMatchObject({ kind: "interrupted" });
    expect(calls).toEqual(["get", "get", "get"]);
    await expect(store.get("x")).rejects.toMatchObject({ kind: "interrupted" });
    expect(calls.length).toBe(3);
  });

  it("leaves a call that the server does not answer when it is aborted", async () => {
    const controller = new AbortController();
    const silent: Store = { ...memoryStore(), get: () => new Promise(() => undefined) };
    const store = retryingStore(silent, { clock: manualClock(), random: highest, signal: controller.signal });
    const got = store.get("x");
    controller.abort();
    await expect(got).rejects.toMatchObject({ kind: "interrupted" });
  });
});
