import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isHoldfastError } from "#shared/errors.ts";
import { hex, readJudge } from "./judge.testing.ts";
import type { Wycheproof } from "./judge.testing.ts";
import { openPortable, sealPortable } from "./seal-portable.ts";
import { open, seal, sealParts, sealTagBytes } from "./seal.ts";
import type { SealContext } from "./seal.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const context = fc.record({ key: bytes(32), nonce: bytes(24), aad: fc.uint8Array({ maxLength: 100 }) });
const example: SealContext = { key: new Uint8Array(32).fill(1), nonce: new Uint8Array(24).fill(2), aad: hex("0a0b") };

const isCorrupt = (call: () => unknown): boolean => {
  try {
    call();
    return false;
  } catch (error) {
    return isHoldfastError(error, "corrupt");
  }
};

type AeadGroup = { readonly ivSize: number; readonly keySize: number; readonly tagSize: number };
type AeadTest = Readonly<Record<"key" | "iv" | "aad" | "msg" | "ct" | "tag", string>>;
const judge = readJudge<Wycheproof<AeadGroup, AeadTest>>("wycheproof-xchacha20_poly1305_test.json");

describe.skipIf(judge === undefined)("Wycheproof XChaCha20-Poly1305", () => {
  const cases = (judge?.testGroups ?? []).filter((group) => group.ivSize === 192).flatMap((group) => group.tests);

  test.each([
    ["seal and open", seal, open],
    ["the portable twins", sealPortable, openPortable],
  ])("%s agree with every vector", (_name, sealIt, openIt) => {
    expect(cases.length).toBeGreaterThan(200);
    for (const { tcId, result, ...vector } of cases) {
      const at: SealContext = { key: hex(vector.key), nonce: hex(vector.iv), aad: hex(vector.aad) };
      const sealed = hex(vector.ct + vector.tag);
      if (result === "valid") {
        expect(Buffer.from(sealIt(at, hex(vector.msg))).toString("hex"), `vector ${tcId}`).toBe(vector.ct + vector.tag);
        expect(Buffer.from(openIt(at, sealed)).toString("hex"), `vector ${tcId}`).toBe(vector.msg);
      } else {
        expect(
          isCorrupt(() => openIt(at, sealed)),
          `vector ${tcId} must be refused`,
        ).toBe(true);
      }
    }
  });

  test("nonces of another length are refused as a fault of the caller", () => {
    const others = (judge?.testGroups ?? []).filter((group) => group.ivSize !== 192).flatMap((group) => group.tests);
    for (const { key, iv } of others) {
      expect(() => seal({ key: hex(key), nonce: hex(iv), aad: new Uint8Array() }, new Uint8Array())).toThrow(
        /must have/,
      );
    }
  });
});

test("seal agrees with the vector of draft-irtf-cfrg-xchacha, A.3.1", () => {
  const key = hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
  const nonce = hex("404142434445464748494a4b4c4d4e4f5051525354555657");
  const plaintext = new TextEncoder().encode(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
  );
  const sealed = seal({ key, nonce, aad: hex("50515253c0c1c2c3c4c5c6c7") }, plaintext);
  expect(Buffer.from(sealed.subarray(-16)).toString("hex")).toBe("c0875924c1c7987947deafd8780acf49");
  expect(Buffer.from(sealed.subarray(0, 8)).toString("hex")).toBe("bd6d179d3e83d43b");
});

test("seal and its portable twin give the same bytes, and each opens what the other sealed", () => {
  fc.assert(
    fc.property(context, fc.uint8Array({ maxLength: 5000 }), (at, plaintext) => {
      const sealed = seal(at, plaintext);
      expect(sealed).toEqual(sealPortable(at, plaintext));
      expect(open(at, sealed)).toEqual(plaintext);
      expect(openPortable(at, sealed)).toEqual(plaintext);
    }),
  );
});

test("open refuses bytes of which any one bit was flipped, in the bytes, nonce, associated data or key", () => {
  const sealed = seal(example, hex("00112233445566778899"));
  for (const part of [sealed, example.nonce, example.aad, example.key]) {
    for (let bit = 0; bit < part.length * 8; bit += 1) {
      const flip = (): void => void (part[bit >> 3] = (part[bit >> 3] ?? 0) ^ (1 << (bit & 7)));
      flip();
      expect(
        isCorrupt(() => open(example, sealed)),
        `bit ${bit}`,
      ).toBe(true);
      expect(
        isCorrupt(() => openPortable(example, sealed)),
        `bit ${bit}`,
      ).toBe(true);
      flip();
    }
  }
});

test("open refuses bytes that were cut short, down to none", () => {
  const sealed = seal(example, hex("001122"));
  for (let length = 0; length < sealed.length; length += 1) {
    expect(isCorrupt(() => open(example, sealed.subarray(0, length)))).toBe(true);
    expect(isCorrupt(() => openPortable(example, sealed.subarray(0, length)))).toBe(true);
  }
});

test("the error of open tells no byte of key or content", () => {
  const secret = { ...example, key: new Uint8Array(32).fill(0xab) };
  try {
    open(secret, new Uint8Array(40));
    expect.unreachable();
  } catch (error) {
    expect(JSON.stringify(error) + String(error)).not.toMatch(/abab|171/);
    expect(error instanceof Error && error.cause).toBe(undefined);
  }
});

test("seal, sealParts and open return buffers that can be transferred without taking anything else along", () => {
  for (const length of [0, 1, 100, 5000, 600_000]) {
    const plaintext = new Uint8Array(length).fill(7);
    const sealed = seal(example, plaintext);
    const { ciphertext, tag } = sealParts(example, plaintext);
    expect(sealed.buffer.byteLength).toBe(length + sealTagBytes);
    expect(ciphertext.buffer.byteLength).toBe(length);
    expect(Buffer.concat([ciphertext, tag]).equals(sealed)).toBe(true);
    expect(open(example, sealed).buffer.byteLength).toBe(length);
  }
});

test("seal leaves plaintext, key and nonce as they were", () => {
  const plaintext = new Uint8Array(100).fill(9);
  seal(example, plaintext);
  expect(plaintext).toEqual(new Uint8Array(100).fill(9));
  expect(example.key).toEqual(new Uint8Array(32).fill(1));
  expect(example.nonce).toEqual(new Uint8Array(24).fill(2));
});
