import { expect, test } from "vitest";
import { HoldfastError } from "#shared/errors.ts";
import type { Reporter } from "#shared/operations/progress.ts";
import { spareCache } from "./spare-cache.ts";

function trial() {
  const messages: string[] = [];
  const reporter: Pick<Reporter, "notice"> = { notice: ({ message }) => messages.push(message) };
  return { messages, reporter };
}

function fails(error: Error): () => never {
  return () => {
    throw error;
  };
}

const raw = (code: string): Error => Object.assign(new Error(`${code}: it failed`), { code });

test("a failure of the cache is told once a run, whoever meets it", () => {
  const { messages, reporter } = trial();
  expect(spareCache(reporter).attempt(fails(raw("ENOTDIR")))).toBeUndefined();
  expect(spareCache(reporter).attempt(fails(raw("EACCES")))).toBeUndefined();
  spareCache(reporter).failed(new HoldfastError("unavailable", "Cannot read x: the disk is full"));
  expect(messages).toEqual(["Nothing is cached, which costs time only: ENOTDIR: it failed"]);
  const another = trial();
  spareCache(another.reporter).failed(raw("EIO"));
  expect(another.messages).toHaveLength(1);
});

test("what is not there yet is no failure", () => {
  const { messages, reporter } = trial();
  expect(spareCache(reporter).attempt(fails(raw("ENOENT")))).toBeUndefined();
  expect(messages).toEqual([]);
  expect(spareCache(reporter).attempt(() => "found")).toBe("found");
});

test("a fault of the program is no failure of the cache", () => {
  const { messages, reporter } = trial();
  expect(() => spareCache(reporter).attempt(fails(new TypeError("x is undefined")))).toThrow(TypeError);
  expect(messages).toEqual([]);
});
