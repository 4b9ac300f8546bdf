import { expect, test } from "vitest";
import { constantTimeEqual } from "./constant-time-equal.ts";
import { wipe } from "./wipe.ts";

test("constantTimeEqual compares content and length", () => {
  expect(constantTimeEqual(new Uint8Array([1, 2]), new Uint8Array([1, 2]))).toBe(true);
  expect(constantTimeEqual(new Uint8Array(), new Uint8Array())).toBe(true);
  expect(constantTimeEqual(new Uint8Array([1, 2]), new Uint8Array([1, 3]))).toBe(false);
  expect(constantTimeEqual(new Uint8Array([1, 2]), new Uint8Array([1]))).toBe(false);
});

test("wipe overwrites what it is given with zeros", () => {
  const secret = new Uint8Array([1, 2, 3]);
  wipe(secret, undefined);
  expect(secret).toEqual(new Uint8Array(3));
});
