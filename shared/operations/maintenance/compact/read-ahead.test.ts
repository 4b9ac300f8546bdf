import { describe, expect, it } from "vitest";
import { readAhead } from "./read-ahead.ts";

/** Reads whose ends the test decides. */
function heldReads() {
  const ends = new Map<number, { done: (value: number) => void; fail: (error: Error) => void }>();
  const read = (item: number) =>
    new Promise<number>((resolve, reject) => void ends.set(item, { done: resolve, fail: reject }));
  return { ends, read };
}

const soon = () => new Promise((resolve) => setImmediate(resolve));

describe("readAhead", () => {
  it("gives results in order, and begins no more than it may", async () => {
    const { ends, read } = heldReads();
    const results: number[] = [];
    const options = { bytesOf: (item: number) => item, inFlight: 3, inFlightBytes: 100 };
    const all = (async () => {
      for await (const { item, result } of readAhead([10, 20, 30, 40, 90, 500, 1], read, options))
        results.push(item + result);
    })();
    await soon();
    expect([...ends.keys()], "three at most").toEqual([10, 20, 30]);
    ends.get(30)?.done(1);
    ends.get(20)?.done(1);
    await soon();
    expect(results).toEqual([]);
    ends.get(10)?.done(1);
    await soon();
    expect(results).toEqual([11, 21, 31]);
    expect([...ends.keys()], "90 is too much beside 40").toEqual([10, 20, 30, 40]);
    ends.get(40)?.done(1);
    await soon();
    expect([...ends.keys()]).toEqual([10, 20, 30, 40, 90]);
    ends.get(90)?.done(1);
    await soon();
    expect([...ends.keys()], "what is too large goes alone").toEqual([10, 20, 30, 40, 90, 500]);
    ends.get(500)?.done(1);
    await soon();
    ends.get(1)?.done(1);
    await all;
    expect(results).toEqual([11, 21, 31, 41, 91, 501, 2]);
  });

  it("throws the failure of an item in its turn, once what has begun is over", async () => {
    const { ends, read } = heldReads();
    const results: number[] = [];
    let isOver = false;
    const all = (async () => {
      for await (const { result } of readAhead([1, 2, 3], read, { bytesOf: () => 1, inFlight: 3, inFlightBytes: 9 }))
        results.push(result);
    })().finally(() => (isOver = true));
    all.catch(() => undefined);
    await soon();
    ends.get(2)?.fail(new Error("the second failed"));
    ends.get(1)?.done(1);
    await soon();
    expect([results, isOver]).toEqual([[1], false]);
    ends.get(3)?.done(3);
    await expect(all).rejects.toThrow("the second failed");
  });
});
