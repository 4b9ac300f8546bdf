import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha256 } from "#shared/crypto/sha256.ts";
import { startThread } from "#shared/work/start-thread.ts";
import { indexPrefixBytes, indexRowBytes } from "#shared/format/index-section.ts";
import { SessionIndex } from "./session-index.ts";
import type { ClaimerData, Claims } from "./session-index-claimer.testing.ts";

const idOf = (number: number): Uint8Array => sha256(Buffer.from(String(number)));
const place = (segment: number) => ({ segment, offsetBytes: segment + 1, lengthBytes: segment + 2 });
const newIndex = (slots: number): SessionIndex => {
  const index = new SessionIndex();
  index.addTable(SessionIndex.createTable(slots));
  return index;
};

/** Lets `threads` claim all of `ids` at once in the same tables. */
async function raceClaims(threads: number, ids: Uint8Array, index: SessionIndex): Promise<readonly Int32Array[]> {
  const gate = new SharedArrayBuffer(4);
  const workers = Array.from({ length: threads }, (_each, claimer) => {
    const workerData: ClaimerData = { tables: index.tables, ids, claimer, gate };
    return startThread(new URL("./session-index-claimer.testing.ts", import.meta.url), { workerData });
  });
  const answers = workers.map(
    (worker) =>
      new Promise<Int32Array>((resolve, reject) => {
        worker.on("message", (claims: Claims) => resolve(claims.answers));
        worker.on("error", reject);
      }),
  );
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.on("online", resolve))));
  Atomics.store(new Int32Array(gate), 0, 1);
  // A thread may come to wait only after the first call, so it is called until all have answered.
  const calls = setInterval(() => Atomics.notify(new Int32Array(gate), 0), 5);
  try {
    return await Promise.all(answers);
  } finally {
    clearInterval(calls);
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

describe("SessionIndex", () => {
  it("gives each id to one claimer and tells the others where it is, as a Map would", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 400 }), { maxLength: 600 }),
        fc.array(fc.nat({ max: 599 }), { maxLength: 3 }),
        (claims, growths) => {
          const index = newIndex(64);
          const twin = new Map<number, number>();
          for (const [segment, number] of claims.entries()) {
            if (growths.includes(segment)) index.addTable(SessionIndex.createTable(1024));
            const id = idOf(number);
            const answer = index.claim(id, 0, place(segment));
            if (answer === -2) {
              expect(twin.has(number)).toBe(false);
              index.addTable(SessionIndex.createTable(1024));
              expect(index.claim(id, 0, place(segment))).toBe(-1);
            } else expect(answer).toBe(twin.get(number) ?? -1);
            if (!twin.has(number)) twin.set(number, segment);
          }
          expect(index.count).toBe(twin.size);
          for (let number = 0; number <= 400; number++)
            expect(index.findSegment(idOf(number), 0)).toBe(twin.get(number) ?? -1);
          const rows = index.takeRows();
          expect(rows.byteLength).toBe(twin.size * indexRowBytes);
          const view = new DataView(rows.buffer, rows.byteOffset, rows.byteLength);
          const prefixes = new Map([...twin].map(([number, segment]) => [hex(idOf(number)), segment]));
          for (let at = 0; at < rows.byteLength; at += indexRowBytes) {
            const segment = view.getUint32(at + 20, true);
            expect(prefixes.get(hex(rows.subarray(at)))).toBe(segment);
            expect([view.getUint32(at + 24, true), view.getUint32(at + 28, true)]).toEqual([segment + 1, segment + 2]);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it("still answers when a small table is as full as it gets", () => {
    const index = newIndex(1);
    let claimed = 0;
    for (let number = 0; number < 5000; number++) if (index.claim(idOf(number), 0, place(number)) === -1) claimed++;
    expect(index.claim(idOf(5000), 0, place(5000))).toBe(-2);
    expect(index.findSegment(idOf(6000), 0)).toBe(-1);
    expect(index.count).toBe(claimed);
  });

  it("makes a larger table in time", () => {
    const index = new SessionIndex();
    const first = index.grown();
    expect(first).toBeDefined();
    if (first === undefined) return;
    index.addTable(first);
    expect(index.grown()).toBeUndefined();
    let refused = 0;
    for (let number = 0; number < 100_000; number++) {
      if (index.claim(idOf(number), 0, place(number)) === -2) refused++;
      const table = index.grown();
      if (table !== undefined) index.addTable(table);
    }
    expect(refused).toBe(0);
    expect(index.count).toBe(100_000);
  });

  it("gives each id to exactly one of several threads that claim it at once", async () => {
    const threads = 4;
    const ids = Buffer.concat(Array.from({ length: 20_000 }, (_each, number) => idOf(number)));
    const index = newIndex(1 << 15);
    const answers = await raceClaims(threads, ids, index);
    for (let number = 0; number < 20_000; number++) {
      const claimers = answers.flatMap((each, claimer) => (each[number] === -1 ? [claimer] : []));
      if (claimers.length !== 1) expect.fail(`id ${number} was given to ${claimers.length} threads`);
      const segment = (claimers[0] ?? 0) * 1_000_000 + number;
      for (const each of answers)
        if (each[number] !== -1 && each[number] !== segment)
          expect.fail(`id ${number} is not where its claimer put it`);
      if (index.findSegment(ids, number * 32) !== segment) expect.fail(`id ${number} is not found`);
    }
    expect(index.count).toBe(20_000);
    expect(index.takeRows().byteLength).toBe(20_000 * indexRowBytes);
  });

  it("refuses, and hands out no id twice, when several threads claim more than there is room for", async () => {
    const ids = Buffer.concat(Array.from({ length: 6000 }, (_each, number) => idOf(number)));
    const index = newIndex(4096);
    const answers = await raceClaims(4, ids, index);
    let given = 0;
    for (let number = 0; number < 6000; number++) {
      const claimers = answers.filter((each) => each[number] === -1).length;
      if (claimers > 1) expect.fail(`id ${number} was given to ${claimers} threads`);
      given += claimers;
      for (const each of answers) {
        const answer = each[number] ?? 0;
        if (answer >= 0 && answer % 1_000_000 !== number) expect.fail(`id ${number} is said to be elsewhere`);
      }
    }
    expect(given).toBe(index.count);
    expect(given).toBeLessThan(4096);
    expect(answers.some((each) => each.includes(-2))).toBe(true);
  });
});

const hex = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(0, indexPrefixBytes)).toString("hex");
