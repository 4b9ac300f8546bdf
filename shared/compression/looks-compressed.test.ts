import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { looksCompressed } from "./looks-compressed.ts";

const words = Array.from({ length: 60_000 }, (_, i) => `word${(i * 7919) % 1000} `).join("");
const text = Buffer.from(words);

test("random and gzipped bytes look compressed", () => {
  expect(looksCompressed(randomBytes(1 << 20))).toBe(true);
  expect(looksCompressed(gzipSync(Buffer.from(randomBytes(300_000).toString("base64"))))).toBe(true);
});

test("text, zeros and base64 do not", () => {
  expect(looksCompressed(text)).toBe(false);
  expect(looksCompressed(new Uint8Array(1 << 20))).toBe(false);
  expect(looksCompressed(Buffer.from(randomBytes(300_000).toString("base64")))).toBe(false);
});

test("bytes with a flat histogram but much repetition do not", () => {
  expect(looksCompressed(Uint8Array.from({ length: 1 << 20 }, (_, i) => i & 255))).toBe(false);
});

test("random bytes that are half text do not", () => {
  expect(looksCompressed(Buffer.concat([randomBytes(text.length), text]))).toBe(false);
});

test("data under 64 KiB is not looked at", () => {
  expect(looksCompressed(randomBytes(65_535))).toBe(false);
  expect(looksCompressed(new Uint8Array())).toBe(false);
});
