import { expect, test } from "vitest";
import { hex } from "./judge.testing.ts";
import { createSha256, sha256 } from "./sha256.ts";

// FIPS 180-4 examples.
const ofNothing = hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
const ofAbc = hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");

test("sha256 hashes the concatenation of its parts", () => {
  expect(sha256()).toEqual(ofNothing);
  expect(sha256(hex("616263"))).toEqual(ofAbc);
  expect(sha256(hex("61"), hex(""), hex("6263"))).toEqual(ofAbc);
});

test("createSha256 hashes what it is given piece by piece", () => {
  const hash = createSha256();
  hash.update(hex("6162"));
  hash.update(hex("63"));
  expect(hash.digest()).toEqual(ofAbc);
});

test("a digest is alone in its buffer", () => {
  expect(sha256().buffer.byteLength).toBe(32);
});
