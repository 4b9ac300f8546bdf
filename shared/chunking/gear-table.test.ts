import { createCipheriv } from "node:crypto";
import { expect, test } from "vitest";
import { gearTable, gearTableBytes } from "./gear-table.ts";

test("the gear table is the ChaCha20 key stream that its docstring names", () => {
  const key = Uint8Array.from({ length: 32 }, (_, i) => i);
  // OpenSSL's nonce is a 32-bit counter followed by the nonce of RFC 8439.
  const iv = Buffer.concat([new Uint8Array(4), Buffer.from("gear64-table")]);
  const expected = createCipheriv("chacha20", key, iv).update(new Uint8Array(gearTableBytes));
  expect(gearTable(key)).toEqual(new Uint8Array(expected));
});

test("its words are all different", () => {
  const words = new BigUint64Array(gearTable(new Uint8Array(32)).buffer);
  expect(new Set(words).size).toBe(256);
});
