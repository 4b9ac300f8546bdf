import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { systemClock } from "#shared/clock.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { systemRandom } from "#shared/random.ts";
import { directoryStore } from "./directory-store.ts";
import { failAtCall, faultyStore } from "./faulty-store.ts";
import { memoryStore } from "./memory-store.ts";
import { probeStore } from "./probe-store.ts";
import type { ProbeReport } from "./probe-store.ts";
import type { Store } from "./store.ts";

const probe = (store: Store, options: { readonly checkLimitMs?: number } = {}): Promise<ProbeReport> =>
  probeStore(store, { clock: systemClock, random: systemRandom, listedKeys: 50, ...options });

function outcomes(report: ProbeReport): Record<string, string> {
  return Object.fromEntries(report.checks.map(({ name, outcome }) => [name, outcome]));
}

async function keysOf(store: Store): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list("")) keys.push(key);
  return keys;
}

describe("probeStore", () => {
  it("finds a memory store fit, tells of each check, and leaves nothing behind", async () => {
    const store = memoryStore();
    await store.put("config", []);
    const told: string[] = [];
    const report = await probeStore(store, {
      clock: systemClock,
      random: systemRandom,
      onCheck: ({ name }) => told.push(name),
    });
    expect(report.checks.filter(({ outcome }) => outcome !== "pass")).toEqual([]);
    expect(report.fitness).toBe("fit");
    expect(told).toEqual(report.checks.map(({ name }) => name));
    expect(await keysOf(store)).toEqual(["config"]);
  });

  it("finds a directory fit, and warns that it keeps no checksums", async () => {
    const root = await mkdtemp(join(tmpdir(), "holdfast-probe-"));
    const report = await probe(directoryStore(root));
    await rm(root, { recursive: true });
    expect(report.fitness).toBe("fit");
    expect(report.checks.filter(({ outcome }) => outcome !== "pass").map(({ name }) => name)).toEqual([
      "stored checksums",
    ]);
  });

  it("finds a store unfit that overwrites", async () => {
    const inner = memoryStore();
    const report = await probe({
      ...inner,
      async put(key, body) {
        await Promise.all([inner.delete(key), inner.put(key, body)]); // the memory store does both before anyone else's turn
      },
    });
    expect(report.fitness).toBe("unfit");
    expect(outcomes(report)).toMatchObject({
      "create if absent": "fail",
      "racing creators": "fail",
      "clean-up": "pass",
    });
    expect(report.checks.find(({ name }) => name === "racing creators")?.explanation).toContain("32 of 32");
  });

  it("finds a store unfit that looks first and creates then", async () => {
    const inner = memoryStore();
    const report = await probe({
      ...inner,
      async put(key, body, options) {
        if (
          await inner.head(key).then(
            () => true,
            () => false,
          )
        )
          throw new HoldfastError("conflict", "there");
        await turn();
        await inner.delete(key);
        await inner.put(key, body, options);
      },
    });
    expect(outcomes(report)).toMatchObject({ "create if absent": "pass", "racing creators": "fail" });
    expect(report.fitness).toBe("unfit");
  });

  const brokenStores: readonly (readonly [string, string, (inner: Store) => Partial<Store>])[] = [
    [
      "changes a byte of large objects",
      "large objects",
      (inner) => ({
        async get(key, range) {
          const bytes = await inner.get(key, range);
          if (bytes.byteLength > 1_000_000) bytes[17] = (bytes[17] ?? 0) ^ 1;
          return bytes;
        },
      }),
    ],
    ["ignores ranges", "ranges", (inner) => ({ get: (key) => inner.get(key) })],
    [
      "returns nothing for absent objects",
      "absent objects",
      (inner) => ({
        get: (key, range) =>
          inner.get(key, range).catch((error: unknown) => {
            if (isHoldfastError(error, "absent")) return new Uint8Array(0);
            throw error;
          }),
      }),
    ],
    [
      "loses a key in listings",
      "listing",
      (inner) => ({
        async *list(prefix, options) {
          for await (const object of inner.list(prefix, options)) if (!object.key.endsWith("000007")) yield object;
        },
      }),
    ],
    [
      "lists in reverse",
      "listing",
      (inner) => ({
        async *list(prefix, options) {
          const objects = [];
          for await (const object of inner.list(prefix, options)) objects.push(object);
          yield* objects.toReversed();
        },
      }),
    ],
    [
      "ends listings early",
      "listing",
      (inner) => ({
        async *list(prefix, options) {
          let count = 0;
          for await (const object of inner.list(prefix, options)) if (count++ < 20) yield object;
        },
      }),
    ],
    [
      "tells wrong checksums",
      "stored checksums",
      (inner) => ({
        async head(key) {
          return { ...(await inner.head(key)), sha256: new Uint8Array(32) };
        },
      }),
    ],
    ["keeps what was deleted", "delete", () => ({ delete: async () => undefined })],
    [
      "throws what is no HoldfastError",
      "ranges",
      (inner) => ({
        async get(key, range) {
          if (range !== undefined) throw new TypeError("boom");
          return inner.get(key);
        },
      }),
    ],
  ];
  it.each(brokenStores)("finds a store unfit that %s", async (_name, check, broken) => {
    const inner = memoryStore();
    const report = await probe({ ...inner, ...broken(inner) });
    expect(outcomes(report)[check]).toBe("fail");
    expect(report.fitness).toBe("unfit");
  });

  it("warns of a store that does not compare checksums, and finds it fit", async () => {
    const inner = memoryStore();
    const report = await probe({ ...inner, put: (key, body) => inner.put(key, body) });
    expect(outcomes(report)).toMatchObject({ "damaged uploads": "warn", "stored checksums": "warn" });
    expect(report.fitness).toBe("fit");
  });

  it("warns of credentials that may not delete, and says where objects are left", async () => {
    const store = faultyStore(memoryStore(), {
      fault: ({ verb }) =>
        verb === "delete" ? { when: "before", error: new HoldfastError("denied", "no") } : undefined,
    });
    const report = await probe(store);
    expect(outcomes(report)).toMatchObject({ delete: "warn", "clean-up": "warn" });
    expect(report.checks.at(-1)?.explanation).toMatch(/doctor\/[0-9a-f]{16}\//);
    expect(report.fitness).toBe("fit");
  });

  it("stops after the first check when nothing can be written, and reports why", async () => {
    const store = faultyStore(memoryStore(), {
      fault: () => ({ when: "before", error: new HoldfastError("denied", "Cannot create x: no") }),
    });
    const report = await probe(store);
    expect(report.checks.map(({ name, outcome }) => [name, outcome])).toEqual([
      ["write and read", "fail"],
      ["clean-up", "warn"],
    ]);
    expect(report.checks[0]?.explanation).toBe("Cannot create x: no");
  });

  it("survives a store that fails, tears or dies at any call", async () => {
    for (let number = 1; number <= 180; number += 13) {
      for (const when of ["before", "after", "torn"] as const) {
        const inner = memoryStore();
        await probe(faultyStore(inner, { fault: failAtCall(number, { when }) }));
        expect((await keysOf(inner)).filter((key) => !key.startsWith("doctor/"))).toEqual([]);
      }
      const dead = await probe(
        faultyStore(memoryStore(), { fault: (call) => (call.number >= number ? { when: "before" } : undefined) }),
      );
      expect(dead.fitness).toBe("unknown");
    }
  });

  it("warns of a store that was unavailable for one call, and knows nothing of it when it is so again", async () => {
    const breaks = (calls: readonly number[]): Promise<ProbeReport> =>
      probe(
        faultyStore(memoryStore(), { fault: (call) => (calls.includes(call.number) ? { when: "before" } : undefined) }),
      );
    const once = await breaks([2]);
    expect(once.fitness).toBe("fit");
    expect(once.checks.filter(({ outcome }) => outcome !== "pass")).toMatchObject([
      { name: "write and read", outcome: "warn", explanation: expect.stringContaining("a first try failed") },
    ]);
    expect(await breaks([2, 3])).toMatchObject({ fitness: "unknown" });
  });

  it("does not call a store unfit for what could not be tried, such as on a full disk", async () => {
    const full = new HoldfastError("unavailable", "Cannot create x: the disk is full", { hint: "Free some space." });
    const refusing = (isRefused: (key: string, sizeBytes: number) => boolean): Promise<ProbeReport> => {
      const inner = memoryStore();
      return probe({
        ...inner,
        async put(key, body, options) {
          if (
            isRefused(
              key,
              body.reduce((sum, { byteLength }) => sum + byteLength, 0),
            )
          )
            throw full;
          await inner.put(key, body, options);
        },
      });
    };
    const large = await refusing((_, sizeBytes) => sizeBytes >= 100_000);
    expect(large.checks.filter(({ outcome }) => outcome !== "pass")).toEqual(
      ["large objects", "racing creators", "ranges"].map((name) => ({
        name,
        outcome: "unknown",
        explanation: full.message,
        kind: "unavailable",
        hint: full.hint,
      })),
    );
    expect(large.fitness).toBe("unknown");
    const once = new Set<string>();
    const second = await refusing((key) => key.endsWith("/once") && once.size === once.add(key).size);
    expect(outcomes(second)["create if absent"]).toBe("unknown");
    expect(second.fitness).toBe("unknown");
    const lying = memoryStore();
    const both = await probe({
      ...lying,
      delete: async () => undefined,
      list: () => {
        throw full;
      },
    });
    expect(outcomes(both)).toMatchObject({ listing: "unknown", delete: "fail" });
    expect(both.fitness).toBe("unfit");
  });

  it("finds a store unfit whose server answers that it fails, twice", async () => {
    const failing = (httpStatus: number): Promise<ProbeReport> =>
      probe({
        ...memoryStore(),
        list: () => {
          throw new HoldfastError("unavailable", `the server answered ${httpStatus}`, { detail: { httpStatus } });
        },
      });
    expect(outcomes(await failing(500))).toMatchObject({ listing: "fail" });
    expect((await failing(500)).fitness).toBe("unfit");
    expect((await failing(503)).fitness).toBe("unknown");
  });

  it("removes what it created also when few calls at once succeed", async () => {
    const inner = memoryStore();
    let deleting = 0;
    const report = await probe({
      ...inner,
      async delete(key) {
        try {
          if (++deleting > 3) throw new HoldfastError("unavailable", "too many files are open");
          await turn();
          await inner.delete(key);
        } finally {
          deleting--;
        }
      },
    });
    expect(report.checks.at(-1)).toMatchObject({ name: "clean-up", outcome: "pass" });
    expect(await keysOf(inner)).toEqual([]);
  });

  it("that is stopped removes what it created, and tells the store's keeper to tidy", async () => {
    for (const last of ["write and read", "ranges", "listing"]) {
      const store = memoryStore();
      const slow: Store = {
        ...store,
        async put(key, body, options) {
          await turn();
          await store.put(key, body, options);
        },
      };
      const stop = new AbortController();
      const tidied: string[] = [];
      const stopped = probeStore(slow, {
        clock: systemClock,
        random: systemRandom,
        listedKeys: 50,
        signal: stop.signal,
        onCheck: ({ name }) => {
          if (name === last) setImmediate(() => stop.abort(new HoldfastError("interrupted", "Stopped")));
        },
        tidy: async (prefix) => void tidied.push(prefix),
      });
      await expect(stopped).rejects.toMatchObject({ kind: "interrupted" });
      expect(await keysOf(store)).toEqual([]);
      expect(tidied).toEqual([expect.stringMatching(/^doctor\/[0-9a-f]{16}\/$/)]);
    }
  });

  it("that is stopped does not wait for a store that never answered", async () => {
    const stop = new AbortController();
    const hanging: Store = {
      ...memoryStore(),
      put: () => {
        setImmediate(() => stop.abort(new HoldfastError("interrupted", "Stopped")));
        return new Promise<never>(() => undefined);
      },
      delete: () => new Promise<never>(() => undefined),
    };
    const stopped = probeStore(hanging, { clock: systemClock, random: systemRandom, signal: stop.signal });
    await expect(stopped).rejects.toMatchObject({ kind: "interrupted" });
  });

  it("does not wait for ever", async () => {
    const hanging: Store = { ...memoryStore(), get: () => new Promise<never>(() => undefined) };
    const report = await probe(hanging, { checkLimitMs: 5 });
    expect(report.checks[0]).toMatchObject({ outcome: "fail", explanation: "no answer within 0.005 s" });
  });
});
