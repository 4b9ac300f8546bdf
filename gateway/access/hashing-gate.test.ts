import { expect, it } from "vitest";
import { HashingGate } from "./hashing-gate.ts";

const mebibyte = 1024 * 1024;

/** Work that ends when it is told to. */
function held() {
  const ends: (() => void)[] = [];
  let atOnce = 0;
  let most = 0;
  const work = async (): Promise<true> => {
    most = Math.max(most, ++atOnce);
    await new Promise<void>((resolve) => ends.push(resolve));
    atOnce--;
    return true;
  };
  const endAll = async (count: number): Promise<void> => {
    for (let ended = 0; ended < count; ended++) {
      while (ends.length === 0) await new Promise((resolve) => setImmediate(resolve));
      ends.shift()?.();
    }
  };
  return { work, endAll, most: () => most };
}

it("hashes two passwords at once, has some wait, and refuses the rest", async () => {
  const gate = new HashingGate();
  const { work, endAll, most } = held();
  const results = Array.from({ length: 60 }, (_, index) => gate.run(`${index}`, mebibyte, work));
  await endAll(34);
  expect((await Promise.all(results)).filter((each) => each === true)).toHaveLength(34);
  expect(most()).toBe(2);
});

it("lets one address have a part of the waiting only", async () => {
  const gate = new HashingGate();
  const { work, endAll } = held();
  const guesses = Array.from({ length: 60 }, () => gate.run("one", mebibyte, work));
  const other = gate.run("other", mebibyte, work);
  await endAll(11);
  expect(await other).toBe(true);
  expect((await Promise.all(guesses)).filter((each) => each === true)).toHaveLength(10);
});

it("hashes alone what takes much memory", async () => {
  const gate = new HashingGate();
  const { work, endAll, most } = held();
  const results = Array.from({ length: 4 }, () => gate.run("one", 400 * mebibyte, work));
  await endAll(4);
  await Promise.all(results);
  expect(most()).toBe(1);
});
