import { hkdfSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { deriveKey } from "./derive-key.ts";
import { deriveKeys } from "./derive-keys.ts";
import { hex, readJudge } from "./judge.testing.ts";
import type { Wycheproof } from "./judge.testing.ts";

type HkdfTest = Readonly<Record<"ikm" | "salt" | "info" | "okm", string>> & { readonly size: number };
const judge = readJudge<Wycheproof<object, HkdfTest>>("wycheproof-hkdf_sha256_test.json");

describe.skipIf(judge === undefined)("Wycheproof HKDF-SHA256", () => {
  test("the HKDF under deriveKey agrees with every vector", () => {
    const cases = (judge?.testGroups ?? []).flatMap((group) => group.tests);
    expect(cases.length).toBeGreaterThan(80);
    for (const { tcId, result, ikm, salt, info, size, okm } of cases) {
      const derive = (): Uint8Array => new Uint8Array(hkdfSync("sha256", hex(ikm), hex(salt), hex(info), size));
      if (result === "valid") expect(derive(), `vector ${tcId}`).toEqual(hex(okm));
      else expect(derive, `vector ${tcId} must be refused`).toThrow();
    }
  });
});

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

const all = async (secret: Uint8Array): Promise<string[]> => {
  const { hpke, ...keys } = await deriveKeys(secret);
  return [...Object.values(keys), hpke.privateKey, hpke.publicKey].map(text);
};

test("deriveKeys gives the keys of the format", async () => {
  const keys = await deriveKeys(Uint8Array.from({ length: 32 }, (_, i) => i));
  expect({
    id: text(keys.idKey),
    chunk: text(keys.chunkKey),
    index: text(keys.indexKey),
    state: text(keys.stateKey),
    hpke: text(keys.hpke.publicKey),
  }).toMatchInlineSnapshot(`
    {
      "chunk": "3b05728d086e82d676f6fbf6956bb89e4dedb12e3ce60ab034f982e3b1bb78aa",
      "hpke": "3a7a2624ff6ea63a8a451d820a8d16257d09097ecef7d034eb98c27c403a170e",
      "id": "225c4dcbabafe2f8bdb1270a101aa5bdb02f8f982f592ff571b98a795a75f814",
      "index": "0279cc083d6739ef49962ecdbdd73a7fb985558c9281b10c6e096bf0d9f2b19a",
      "state": "0911b1b69ccabc5d5b0ba335111047d08ba27d6c3cf50ba3714fa6660c45c9f4",
    }
  `);
});

test("every key differs from every other and follows from the master secret alone", async () => {
  const master = new Uint8Array(32).fill(9);
  const first = await all(master);
  expect(new Set(first).size).toBe(6);
  expect(await all(master.slice())).toEqual(first);
  const other = await all(master.fill(8));
  expect(other.filter((key) => first.includes(key))).toEqual([]);
});

test("deriveKeys refuses a master secret that has not 32 bytes", async () => {
  await expect(deriveKeys(new Uint8Array(31))).rejects.toMatchObject({ kind: "invalid" });
});

test("deriveKey gives another key for another label and as many bytes as asked for", () => {
  const secret = new Uint8Array(32).fill(1);
  expect(deriveKey(secret, "holdfast/v1/a")).not.toEqual(deriveKey(secret, "holdfast/v1/b"));
  expect(deriveKey(secret, "holdfast/v1/a", 48)).toHaveLength(48);
});
