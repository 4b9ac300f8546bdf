import { expect, onTestFinished, test } from "vitest";
import { WorkerPool } from "./worker-pool.ts";

type Answer = { readonly message: string; readonly begunWith: number; readonly worker: number };

/** A pool of threads that answer every message; nothing is reported done by itself. */
function makePool(threads: number) {
  const answers: Answer[] = [];
  const failures: unknown[] = [];
  let news = Promise.withResolvers<void>();
  let begun = 0;
  const tell = (): void => {
    news.resolve();
    news = Promise.withResolvers<void>();
  };
  const pool = new WorkerPool<string, Omit<Answer, "worker">>({
    moduleUrl: new URL("./echo.testing.ts", import.meta.url),
    threads,
    workerData: () => ++begun,
    onMessage: (message, worker) => {
      answers.push({ ...message, worker });
      tell();
    },
    onFailure: (error) => {
      failures.push(error);
      tell();
    },
  });
  onTestFinished(() => pool.close());
  const until = async (isEnough: () => boolean): Promise<void> => {
    while (!isEnough()) await news.promise;
  };
  return { pool, answers, failures, until };
}

test("a thread is started only where all others have something to do, and no more than there may be", async () => {
  const { pool, answers, until } = makePool(3);
  expect([pool.size, pool.outstanding, pool.outstandingOf(pool.idlest)]).toEqual([0, 0, 0]);
  for (const message of ["a", "b"]) {
    pool.post(pool.idlest, message);
    pool.done(0);
  }
  expect([pool.size, pool.outstanding]).toEqual([1, 0]);

  const given = ["c", "d", "e", "f", "g"].map((message) => {
    const worker = pool.idlest;
    pool.post(worker, message);
    return worker;
  });
  expect(given).toEqual([0, 1, 2, 0, 1]);
  expect([pool.size, pool.outstanding, pool.idlest]).toEqual([3, 5, 2]);
  expect(() => pool.post(3, "to nobody")).toThrow(/thread 3/);

  await until(() => answers.length === 7);
  // Each began with what there was when it was started.
  expect(answers.every(({ begunWith, worker }) => begunWith === worker + 1)).toBe(true);
  expect(answers.map(({ message }) => message).sort()).toEqual(["a", "b", "c", "d", "e", "f", "g"]);
});

test("what is told to every thread is told to those that there are", async () => {
  const { pool, answers, until } = makePool(2);
  pool.broadcast("to nobody");
  pool.post(pool.idlest, "one");
  pool.broadcast("all");
  await until(() => answers.length === 2);
  pool.post(pool.idlest, "two");
  await until(() => answers.length === 3);
  expect(answers.map(({ message, worker }) => `${message} ${worker}`)).toEqual(["one 0", "all 0", "two 1"]);
});

test.each(["end", "throw"])("a thread that fails by %s is told of", async (how) => {
  const { pool, failures, until } = makePool(2);
  pool.post(pool.idlest, how);
  await until(() => failures.length > 0);
  expect(String(failures[0])).toMatch(how === "end" ? /ended with code 0/ : /thrown on purpose/);
});
