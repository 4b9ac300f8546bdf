import { expect, test } from "vitest";
import { endThread, keepThreadsFromLoading, startThread } from "./start-thread.ts";

function startLoader() {
  const counts = new Int32Array(new SharedArrayBuffer(8));
  const thread = startThread(new URL("./slow-loader.testing.ts", import.meta.url), { workerData: counts.buffer });
  const loads = async (): Promise<void> => {
    await Atomics.waitAsync(counts, 0, 0).value;
  };
  return { thread, counts, loads };
}

test("a thread that loads native code is ended when that is done", async () => {
  const { thread, counts, loads } = startLoader();
  const ended = loads().then(() => endThread(thread));
  await ended;
  expect(counts[0]).toBeGreaterThan(0);
  expect(counts[1]).toBe(counts[0]);
});

test("a thread that has not begun to load native code does not begin to, once it is to be ended", async () => {
  const { thread, counts } = startLoader();
  await endThread(thread);
  expect(Array.from(counts)).toEqual([0, 0]);
});

test("before the process ends, no thread is loading native code, and none begins to", async () => {
  const loaders = [startLoader(), startLoader()];
  await Promise.all(loaders.map(({ loads }) => loads()));
  keepThreadsFromLoading();
  const counts = loaders.map((each) => Array.from(each.counts));
  for (const [begun, ended] of counts) expect(ended).toBe(begun);
  await Promise.all(loaders.map(({ thread }) => endThread(thread)));
  expect(loaders.map((each) => Array.from(each.counts))).toEqual(counts);
});
