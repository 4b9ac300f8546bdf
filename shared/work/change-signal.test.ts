import { expect, test } from "vitest";
import { HoldfastError } from "#shared/errors.ts";
import { ChangeSignal } from "./change-signal.ts";

const stopped = () => new HoldfastError("interrupted", "stopped");
const always = () => true;

test("what is there already is not waited for, whoever is at work", async () => {
  const changes = new ChangeSignal(undefined, stopped);
  await changes.until(always, () => false);
});

test("what came while the step looked is seen before any sleep", async () => {
  const changes = new ChangeSignal(undefined, stopped);
  let steps = 0;
  await changes.until(async () => {
    if (++steps === 1) changes.notify();
    return steps === 2;
  }, always);
  expect(steps).toBe(2);
});

test("what comes during the sleep ends it", async () => {
  const changes = new ChangeSignal(undefined, stopped);
  let isDone = false;
  setTimeout(() => {
    isDone = true;
    changes.notify();
  }, 5);
  await changes.until(() => isDone, always);
});

test("what came while nobody waited is not slept over", async () => {
  const changes = new ChangeSignal(undefined, stopped);
  let isDone = false;
  const waiting = changes.until(async () => {
    const was = isDone;
    isDone = true;
    changes.notify();
    await new Promise(setImmediate);
    return was;
  }, always);
  await waiting;
});

test("a wait for nobody is an error, not a sleep", async () => {
  const changes = new ChangeSignal(undefined, stopped);
  await expect(
    changes.until(
      () => false,
      () => false,
    ),
  ).rejects.toMatchObject({ kind: "internal" });
});

test("the last one at work that changes something and ends is no error: the step looks once more", async () => {
  const changes = new ChangeSignal(undefined, stopped);
  let left = 3;
  const finish = () => {
    left--;
    changes.notify();
    if (left > 0) setTimeout(finish, 1);
  };
  setTimeout(finish, 1);
  await changes.until(
    () => left === 0,
    () => left > 0,
  );
});

test("a failure ends a wait, and every one after it", async () => {
  const changes = new ChangeSignal(undefined, stopped);
  setTimeout(() => changes.fail(new Error("first")), 1);
  await expect(changes.until(() => false, always)).rejects.toThrow("first");
  changes.fail(new Error("second"));
  await expect(changes.until(always, always)).rejects.toThrow("first");
  expect(() => changes.check()).toThrow("first");
});

test("an abort ends a wait although nobody says anything", async () => {
  const aborter = new AbortController();
  const changes = new ChangeSignal(aborter.signal, stopped);
  setTimeout(() => aborter.abort(), 1);
  await expect(changes.until(() => false, always)).rejects.toMatchObject({ kind: "interrupted" });
});
