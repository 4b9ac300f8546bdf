import { argon2Sync } from "node:crypto";
import * as fc from "fast-check";
import { argon2id } from "hash-wasm";
import { expect, test } from "vitest";
import { hex } from "./judge.testing.ts";
import {
  checkPassphraseParameters,
  defaultPassphraseCost,
  derivePassphraseKey,
  passphraseCostLimits,
} from "./passphrase.ts";

const cheap = { salt: new Uint8Array(16).fill(2), memoryKiB: 64, passes: 2, parallelism: 2 };

// RFC 9106 section 5.3; its secret and associated data go beyond `derivePassphraseKey`, so the functions below it are judged.
test("the native Argon2id gives the tag of RFC 9106", () => {
  const tag = argon2Sync("argon2id", {
    message: new Uint8Array(32).fill(1),
    nonce: new Uint8Array(16).fill(2),
    secret: new Uint8Array(8).fill(3),
    associatedData: new Uint8Array(12).fill(4),
    parallelism: 4,
    tagLength: 32,
    memory: 32,
    passes: 3,
  });
  expect(new Uint8Array(tag)).toEqual(hex("0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"));
});

// The same case stands in the tests of the reference implementation (github.com/P-H-C/phc-winner-argon2, src/test.c).
test("both Argon2id implementations give the hash of the reference implementation", async () => {
  const message = new TextEncoder().encode("password");
  const salt = new TextEncoder().encode("somesalt");
  const expected = hex("09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7");
  const native = argon2Sync("argon2id", {
    message,
    nonce: salt,
    parallelism: 1,
    tagLength: 32,
    memory: 65536,
    passes: 2,
  });
  expect(new Uint8Array(native)).toEqual(expected);
  const wasm = await argon2id({
    password: message,
    salt,
    iterations: 2,
    parallelism: 1,
    memorySize: 65536,
    hashLength: 32,
    outputType: "binary",
  });
  expect(wasm).toEqual(expected);
});

test("derivePassphraseKey is Argon2id of the passphrase in UTF-8 with exactly the parameters given", async () => {
  const message = new TextEncoder().encode("Pässwort 🔑");
  const expected = argon2Sync("argon2id", {
    message,
    nonce: cheap.salt,
    parallelism: 2,
    tagLength: 32,
    memory: 64,
    passes: 2,
  });
  expect(await derivePassphraseKey("Pässwort 🔑", cheap)).toEqual(new Uint8Array(expected));
});

test("native and WASM derive the same key", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ minLength: 1, unit: "grapheme" }),
      fc.uint8Array({ minLength: 16, maxLength: 64 }),
      fc.record({
        memory: fc.integer({ min: 8, max: 64 }),
        passes: fc.integer({ min: 1, max: 3 }),
        lanes: fc.integer({ min: 1, max: 4 }),
      }),
      async (passphrase, salt, { memory, passes, lanes }) => {
        const parameters = { salt, memoryKiB: memory * lanes, passes, parallelism: lanes };
        const native = await derivePassphraseKey(passphrase, parameters);
        expect(await derivePassphraseKey(passphrase, parameters, { native: false })).toEqual(native);
      },
    ),
    { numRuns: 30 },
  );
});

test("the same characters give the same key however the keyboard composes them", async () => {
  expect(await derivePassphraseKey("caf\u00e9", cheap)).toEqual(await derivePassphraseKey("cafe\u0301", cheap));
});

test("another passphrase, salt or cost gives another key", async () => {
  const key = await derivePassphraseKey("a", cheap);
  expect(await derivePassphraseKey("b", cheap)).not.toEqual(key);
  expect(await derivePassphraseKey("a", { ...cheap, salt: new Uint8Array(16) })).not.toEqual(key);
  expect(await derivePassphraseKey("a", { ...cheap, passes: 3 })).not.toEqual(key);
});

test("an empty passphrase is refused", async () => {
  await expect(derivePassphraseKey("", cheap)).rejects.toMatchObject({ kind: "invalid" });
});

test("costs out of bounds are refused before they cost anything", async () => {
  const limits = passphraseCostLimits;
  const hostile = [
    { memoryKiB: limits.memoryMaxKiB + 1 },
    { memoryKiB: 2 ** 32 - 1 },
    { memoryKiB: 15 },
    { memoryKiB: Number.NaN },
    { memoryKiB: limits.memoryMaxKiB, passes: 9 },
    { passes: limits.passesMax + 1 },
    { passes: 0 },
    { passes: 1.5 },
    { parallelism: limits.parallelismMax + 1 },
    { parallelism: 0 },
    { salt: new Uint8Array(15) },
    { salt: new Uint8Array(65) },
  ];
  for (const change of hostile) {
    await expect(derivePassphraseKey("a", { ...cheap, ...change }), JSON.stringify(change)).rejects.toMatchObject({
      kind: "corrupt",
    });
  }
});

test("the cost of new slots is within the bounds and works", async () => {
  checkPassphraseParameters({ salt: cheap.salt, ...defaultPassphraseCost });
  expect(await derivePassphraseKey("a", { salt: cheap.salt, ...defaultPassphraseCost })).toHaveLength(32);
});
