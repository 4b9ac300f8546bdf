import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { systemClock } from "#shared/clock.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { PackId } from "#shared/format/ids.ts";
import type { LogEvent } from "#shared/format/log-entry.ts";
import { directoryStore } from "#shared/store/directory-store.ts";
import { failAtCall, failAtRandom, faultyStore } from "#shared/store/faulty-store.ts";
import { manualClock } from "#shared/store/manual-clock.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import { logKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { appendEntry, type Appender } from "./append-entry.ts";
import { foldEntry } from "./fold-entry.ts";
import { putEntry, testAppender, testCommit, testEntry, testId, testStoreId } from "./log.fixtures.ts";
import { emptyLogState, type LogState } from "./log-state.ts";
import { readLog } from "./read-log.ts";

const empty = emptyLogState(testStoreId);

/** Appends a commit in name only, unless it is in the log. */
function appendCommit(appender: Appender, name: string): ReturnType<typeof appendEntry> {
  return appendEntry(appender, (state) => (state.snapshots.has(testId("state", name)) ? [] : [testCommit(name)]));
}

async function errorOf(action: Promise<unknown>): Promise<HoldfastError> {
  const error: unknown = await action.then(
    () => new Error("nothing was thrown"),
    (thrown: unknown) => thrown,
  );
  if (error instanceof HoldfastError) return error;
  throw error;
}

/** How often each event name is in the log, by folding all of it. */
async function published(store: Store): Promise<string[]> {
  const seen: string[] = [];
  await readLog({
    store,
    from: empty,
    onEntry: ({ entry }) => {
      for (const event of entry.events) if (event.type === "commit") seen.push(event.stateId);
    },
  });
  return seen;
}

/** A store that gives its turn away before and after every call, for a random number of turns. */
function interleaved(store: Store, seed: number): Store {
  let draw = seed;
  const pause = async (): Promise<void> => {
    draw = (Math.imul(draw, 1664525) + 1013904223) >>> 0;
    for (let turns = draw >>> 30; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    ...store,
    put: async (key, body, options) => {
      await pause();
      try {
        await store.put(key, body, options);
      } finally {
        await pause();
      }
    },
    get: async (key, range) => {
      await pause();
      try {
        return await store.get(key, range);
      } finally {
        await pause();
      }
    },
  };
}

describe("appendEntry", () => {
  it("writes the first entry of a store, and the next one after it", async () => {
    const store = memoryStore();
    const first = await appendCommit(testAppender(store, "1"), "a");
    expect(first).toMatchObject({ appended: true, seq: 1 });
    const second = await appendCommit(testAppender(store, "2", { from: first.state }), "b");
    expect(second).toMatchObject({ appended: true, seq: 2 });
    const read = await readLog({ store, from: empty });
    expect(read).toMatchObject({ seq: 2, lastSha256: second.entrySha256 });
    expect([...read.snapshots]).toEqual([...second.state.snapshots]);
  });

  it("writes nothing when there is nothing to do", async () => {
    const store = memoryStore();
    await appendCommit(testAppender(store, "1"), "a");
    const calls: LogState[] = [];
    const result = await appendEntry(testAppender(store, "2"), (state) => {
      calls.push(state);
      return [];
    });
    expect(result).toMatchObject({ appended: false, seq: 1 });
    expect(calls).toHaveLength(1);
    expect(await published(store)).toHaveLength(1);
  });

  it("never writes what the fold would refuse", async () => {
    const store = memoryStore();
    const remove: LogEvent = { type: "remove", snapshots: [testId("state", "nobody")] };
    const error = await errorOf(appendEntry(testAppender(store, "1"), () => [remove]));
    expect(error).toMatchObject({ kind: "absent", detail: { rule: "snapshots-are-published" } });
    await expect(store.get(logKey(1))).rejects.toMatchObject({ kind: "absent" });
  });

  it.each([1.5, Number.NaN, -3])(
    "never writes an entry that nobody can read, whatever the clock says (%d)",
    async (now) => {
      const store = memoryStore();
      const clock = { ...manualClock(), nowMs: () => now };
      const outcome: unknown = await appendCommit(testAppender(store, "1", { clock }), "a").catch(
        (error: unknown) => error,
      );
      if (outcome instanceof Error) expect(outcome).toMatchObject({ kind: "internal" });
      expect(await published(store)).toHaveLength(outcome instanceof Error ? 0 : 1);
    },
  );

  it("refuses an entry that is larger than an entry can be", async () => {
    const store = memoryStore();
    const packs = Array<PackId>(500_000).fill(testId("pack", "p"));
    const error = await errorOf(appendEntry(testAppender(store, "1"), () => [testCommit("a", packs)]));
    expect(error.kind).toBe("invalid");
    await expect(store.head(logKey(1))).rejects.toMatchObject({ kind: "absent" });
  });

  it("folds the winner of a lost race and decides again before the next number", async () => {
    const store = memoryStore();
    const seen: number[] = [];
    const result = await appendEntry(testAppender(store, "1"), (state) => {
      seen.push(state.seq);
      if (state.seq < 3) void putEntry(store, testEntry(state, [testCommit(`other ${state.seq}`)]));
      return [testCommit("mine")];
    });
    expect(seen).toEqual([0, 1, 2, 3]);
    expect(result).toMatchObject({ appended: true, seq: 4 });
    expect(await published(store)).toHaveLength(4);
  });

  it("gives up what another entry has done or forbids meanwhile", async () => {
    const store = memoryStore();
    await appendCommit(testAppender(store, "0"), "a");
    const remove: LogEvent = { type: "remove", snapshots: [testId("state", "a")] };
    let raced = false;
    const result = await appendEntry(testAppender(store, "1"), (state) => {
      if (!raced) void putEntry(store, testEntry(state, [remove]));
      raced = true;
      return state.snapshots.get(testId("state", "a"))?.removed === undefined ? [remove] : [];
    });
    expect(result).toMatchObject({ appended: false, seq: 2 });
    const forbidden = new HoldfastError("conflict", "Cannot do this twice: somebody did it");
    const error = await errorOf(
      appendEntry(testAppender(store, "2"), () => {
        throw forbidden;
      }),
    );
    expect(error).toBe(forbidden);
    expect((await readLog({ store, from: empty })).seq).toBe(2);
  });

  it.each(["unavailable", "conflict"] as const)(
    "recognises its own entry when the reply to its put was lost (%s)",
    async (kind) => {
      const inner = memoryStore();
      const error = new HoldfastError(kind, "Cannot put: the reply was lost");
      const store = faultyStore(inner, {
        fault: ({ verb }) => (verb === "put" ? { when: "after", error } : undefined),
      });
      const result = await appendCommit(testAppender(store, "1"), "a");
      expect(result).toMatchObject({ appended: true, seq: 1 });
      expect(result.entrySha256).toEqual((await readLog({ store: inner, from: empty })).lastSha256);
      expect(await published(inner)).toHaveLength(1);
    },
  );

  it("puts the same bytes again when a put without answer left nothing", async () => {
    const inner = memoryStore();
    const bodies: string[] = [];
    const store: Store = {
      ...inner,
      put: async (key, body, options) => {
        bodies.push(`${key} ${Buffer.concat(body).toString("hex")}`);
        if (bodies.length < 4) throw new HoldfastError("unavailable", "Cannot put: no answer");
        await inner.put(key, body, options);
      },
    };
    expect(await appendCommit(testAppender(store, "1"), "a")).toMatchObject({ appended: true, seq: 1 });
    expect(new Set(bodies).size).toBe(1);
    expect(bodies).toHaveLength(4);
  });

  it("gives way when a put without answer finds another's entry", async () => {
    const inner = memoryStore();
    let puts = 0;
    const store: Store = {
      ...inner,
      put: async (key, body, options) => {
        if (++puts > 1) return await inner.put(key, body, options);
        await putEntry(inner, testEntry(empty, [testCommit("other")]));
        throw new HoldfastError("unavailable", "Cannot put: no answer");
      },
    };
    expect(await appendCommit(testAppender(store, "1"), "a")).toMatchObject({ appended: true, seq: 2 });
    expect(await published(inner)).toEqual([testId("state", "other"), testId("state", "a")]);
  });

  it.each([1, 2, 3, 4])("appends once when a put without answer arrives late, %i calls later", async (delay) => {
    const inner = memoryStore();
    let late: (() => Promise<void>) | undefined;
    let waits = 0;
    const arrive = async (): Promise<void> => {
      if (late === undefined || --waits > 0) return;
      const put = late;
      late = undefined;
      await put().catch((error: unknown) => {
        if (!isHoldfastError(error, "conflict")) throw error;
      });
    };
    let puts = 0;
    const store: Store = {
      ...inner,
      put: async (key, body, options) => {
        await arrive();
        if (++puts > 1) return await inner.put(key, body, options);
        const kept = body.map((part) => part.slice());
        late = () => inner.put(key, kept, options);
        waits = delay;
        throw new HoldfastError("unavailable", "Cannot put: no answer");
      },
      get: async (key, range) => {
        await arrive();
        return await inner.get(key, range);
      },
    };
    expect(await appendCommit(testAppender(store, "1"), "a")).toMatchObject({ appended: true, seq: 1 });
    waits = 0;
    await arrive();
    expect(await published(inner)).toEqual([testId("state", "a")]);
  });

  it.each(["before", "after"] as const)(
    "says that the outcome is unknown when the look fails too, and a later run tells (put failed %s)",
    async (when) => {
      const inner = memoryStore();
      const store = faultyStore(inner, {
        fault: ({ verb }) => (verb === "put" ? { when } : verb === "get" ? { when: "before" } : undefined),
      });
      const error = await errorOf(appendCommit(testAppender(store, "1"), "a"));
      expect(error).toMatchObject({ kind: "unavailable", detail: { outcome: "unknown", key: logKey(1) } });
      const again = await appendCommit(testAppender(inner, "2"), "a");
      expect(again).toMatchObject({ appended: when === "before", seq: 1 });
      expect(await published(inner)).toHaveLength(1);
    },
  );

  it("puts once and says why when the store tells that its failure lasts", async () => {
    const clock = manualClock();
    const full = new HoldfastError("unavailable", "the disk is full", {
      detail: { lasting: true },
      hint: "Free some.",
    });
    let puts = 0;
    const store = faultyStore(memoryStore(), {
      fault: ({ verb }) => (verb === "put" && ++puts > 0 ? { when: "before", error: full } : undefined),
    });
    const error = await errorOf(appendCommit(testAppender(store, "1", { clock }), "a"));
    expect(error).toMatchObject({ kind: "unavailable", message: "the disk is full", hint: "Free some." });
    expect(error.detail).toMatchObject({ outcome: "unknown" });
    expect({ puts, slept: clock.sleptMs }).toEqual({ puts: 1, slept: [] });
  });

  it("ends with an unknown outcome when no put of several gets an answer or leaves a trace", async () => {
    const store = faultyStore(memoryStore(), {
      fault: ({ verb }) => (verb === "put" ? { when: "before" } : undefined),
    });
    const error = await errorOf(appendCommit(testAppender(store, "1"), "a"));
    expect(error.detail).toMatchObject({ outcome: "unknown" });
  });

  it("does not repeat a put that is refused", async () => {
    const denied = new HoldfastError("denied", "Cannot put: not allowed");
    let puts = 0;
    const store = faultyStore(memoryStore(), {
      fault: ({ verb }) => (verb === "put" && ++puts > 0 ? { when: "before", error: denied } : undefined),
    });
    expect(await errorOf(appendCommit(testAppender(store, "1"), "a"))).toBe(denied);
    expect(puts).toBe(1);
  });

  it("recognises an attempt of an earlier run by its id, also after others appended", async () => {
    const store = memoryStore();
    const attemptId = testId("commit", "attempt");
    const first = await appendEntry(testAppender(store, "1", { attemptId }), () => [testCommit("a")]);
    await appendCommit(testAppender(store, "2"), "b");
    const again = await appendEntry(testAppender(store, "3", { attemptId }), () => [testCommit("c")]);
    expect(again).toMatchObject({ appended: true, seq: 1, entrySha256: first.entrySha256 });
    expect(again.state.seq).toBe(2);
    expect(await published(store)).toHaveLength(2);
  });

  it("appends one entry when one attempt is delivered to two processes at once", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const inner = memoryStore();
      const attemptId = testId("commit", "attempt");
      const results = await Promise.all(
        [1, 2, 3].map((each) =>
          appendEntry(testAppender(interleaved(inner, seed * each), `${seed}/${each}`, { attemptId }), () => [
            testCommit("a"),
          ]),
        ),
      );
      expect(results.map((each) => each.seq)).toEqual([1, 1, 1]);
      expect(await published(inner), `seed ${seed}`).toHaveLength(1);
    }
  });

  it("stops between rounds when it is asked to, with nothing appended", async () => {
    const store = memoryStore();
    const controller = new AbortController();
    const error = await errorOf(
      appendEntry(testAppender(store, "1", { signal: controller.signal }), (state) => {
        void putEntry(store, testEntry(state, [testCommit(`other ${state.seq}`)]));
        controller.abort();
        return [testCommit("mine")];
      }),
    );
    expect(error).toMatchObject({ kind: "interrupted" });
    expect(await published(store)).toEqual([testId("state", "other 0")]);
  });

  it.each(["before", "after"] as const)(
    "appends each event at most once when any call fails %s its effect",
    async (when) => {
      for (let number = 1; ; number++) {
        const inner = memoryStore();
        const other = testEntry(empty, [testCommit("other")]);
        let failed = false;
        const fault = failAtCall(number, { when });
        const store = faultyStore(inner, {
          fault: (call) => {
            const found = fault(call);
            failed ||= found !== undefined;
            return found;
          },
        });
        // Another entry wins the first number, so that the calls after a lost race are failed too.
        const action = appendEntry(testAppender(store, "1"), (state) => {
          if (state.seq === 0) void putEntry(inner, other);
          return state.snapshots.has(testId("state", "a")) ? [] : [testCommit("a")];
        });
        const outcome = await action.catch((error: unknown) => error);
        const seen = (await published(inner)).filter((each) => each === testId("state", "a"));
        if (outcome instanceof HoldfastError) expect(outcome.kind).toBe("unavailable");
        else expect(seen, `call ${number}`).toHaveLength(1);
        await appendCommit(testAppender(inner, "2"), "a");
        const final = (await published(inner)).filter((each) => each === testId("state", "a"));
        expect(final, `call ${number}`).toHaveLength(1);
        if (!failed) {
          expect(number).toBeGreaterThan(4);
          return;
        }
      }
    },
  );
});

async function race(options: { store: (writer: number) => Store; reader: Store; entriesEach: number }): Promise<void> {
  const { store, reader, entriesEach } = options;
  const writers = 16;
  const results = await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      const seqs: number[] = [];
      let from = empty;
      for (let index = 0; index < entriesEach; index++) {
        const appender = testAppender(store(writer), `${writer}/${index}`, { from, clock: systemClock });
        const result = await appendCommit(appender, `${writer}/${index}`);
        expect(result.appended).toBe(true);
        from = result.state;
        seqs.push(result.seq);
      }
      return seqs;
    }),
  );
  const all = results.flat().sort((left, right) => left - right);
  expect(all).toEqual(Array.from({ length: writers * entriesEach }, (_, index) => index + 1));
  const seen = await published(reader);
  expect(seen).toHaveLength(writers * entriesEach);
  expect(new Set(seen).size).toBe(writers * entriesEach);
}

describe("many appenders at once", () => {
  it("get gapless numbers, each event once, on a memory store", async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const inner = memoryStore();
      await race({ store: (writer) => interleaved(inner, seed * 100 + writer), reader: inner, entriesEach: 4 });
    }
  });

  it("get gapless numbers, each event once, on a directory store", async () => {
    const path = await mkdtemp(join(tmpdir(), "holdfast-log-"));
    try {
      await race({ store: () => directoryStore(path), reader: directoryStore(path), entriesEach: 3 });
    } finally {
      await rm(path, { recursive: true });
    }
  });

  it("get each event in once on a store that loses one call in eight, when failed appends are run again", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const inner = memoryStore();
      await Promise.all(
        Array.from({ length: 8 }, async (_, writer) => {
          const fault = failAtRandom({ seed: seed * 1000 + writer, rate: 1 / 8 });
          const store = faultyStore(interleaved(inner, seed * 50 + writer), { fault });
          for (let run = 0; run < 100; run++) {
            const appender = testAppender(store, `${seed}/${writer}/${run}`);
            const outcome: unknown = await appendCommit(appender, `${writer}`).catch((error: unknown) => error);
            if (!(outcome instanceof Error)) return;
            expect(outcome).toMatchObject({ kind: "unavailable" });
          }
          expect.fail(`writer ${writer} never got through, seed ${seed}`);
        }),
      );
      const seen = await published(inner);
      expect(seen.sort(), `seed ${seed}`).toEqual(
        Array.from({ length: 8 }, (_, writer) => testId("state", `${writer}`)).sort(),
      );
    }
  });
});

describe("the state that an append returns", () => {
  it("is the fold of the log", async () => {
    const store = memoryStore();
    const one = testEntry(empty, [testCommit("a")]);
    await putEntry(store, one);
    const result = await appendCommit(testAppender(store, "1"), "b");
    const folded = await readLog({ store, from: foldEntry(empty, one) });
    expect([...result.state.snapshots]).toEqual([...folded.snapshots]);
    expect([...result.state.attempts.newer]).toEqual([...folded.attempts.newer]);
    expect(result.state.lastSha256).toEqual(folded.lastSha256);
  });
});
