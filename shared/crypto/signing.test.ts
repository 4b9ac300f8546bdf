import { describe, expect, test } from "vitest";
import { hex, readJudge } from "./judge.testing.ts";
import type { Wycheproof } from "./judge.testing.ts";
import { createSigner, verifySignature } from "./signing.ts";

type SignatureGroup = { readonly publicKey: { readonly pk: string } };
type SignatureTest = Readonly<Record<"msg" | "sig", string>>;
const judge = readJudge<Wycheproof<SignatureGroup, SignatureTest>>("wycheproof-ed25519_test.json");

describe.skipIf(judge === undefined)("Wycheproof Ed25519", () => {
  test("verifySignature agrees with every vector", () => {
    let count = 0;
    for (const { publicKey, tests } of judge?.testGroups ?? []) {
      for (const { tcId, result, msg, sig } of tests) {
        expect(verifySignature(hex(publicKey.pk), hex(msg), hex(sig)), `vector ${tcId}`).toBe(result === "valid");
        count += 1;
      }
    }
    expect(count).toBeGreaterThan(140);
  });
});

// RFC 8032 section 7.1, test 3.
const seed = hex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7");
const publicKey = hex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
const message = hex("af82");
const signature = hex(
  "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
);

test("a signer gives the public key and signature of RFC 8032", () => {
  const signer = createSigner(seed);
  expect(signer.publicKey).toEqual(publicKey);
  expect(signer.sign(message)).toEqual(signature);
  expect(verifySignature(publicKey, message, signature)).toBe(true);
});

test("verifySignature refuses another message, another signer and a damaged signature", () => {
  expect(verifySignature(publicKey, hex("af83"), signature)).toBe(false);
  expect(verifySignature(createSigner(new Uint8Array(32)).publicKey, message, signature)).toBe(false);
  for (let i = 0; i < signature.length; i += 1) {
    const damaged = signature.slice();
    damaged[i] = (damaged[i] ?? 0) ^ 1;
    expect(verifySignature(publicKey, message, damaged)).toBe(false);
  }
});

test("verifySignature answers false to lengths that cannot be", () => {
  expect(verifySignature(publicKey.subarray(1), message, signature)).toBe(false);
  expect(verifySignature(publicKey, message, signature.subarray(1))).toBe(false);
  expect(verifySignature(new Uint8Array(), message, new Uint8Array())).toBe(false);
});

test("createSigner refuses a seed that has not 32 bytes", () => {
  expect(() => createSigner(new Uint8Array(33))).toThrow(/must have 32/);
});
