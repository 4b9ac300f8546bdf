import { encode } from "cborg";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isHoldfastError } from "#shared/errors.ts";
import { bundleKeys, bundleMaxBytes, decodeBundle, encodeBundle, writerBundle } from "./bundle.ts";
import type { Bundle } from "./bundle.ts";
import { deriveKeys } from "./derive-keys.ts";

const secret = fc.uint8Array({ minLength: 32, maxLength: 32 });
const bundles: fc.Arbitrary<Bundle> = fc.oneof(
  fc.record({ role: fc.constant("owner" as const), masterSecret: secret }),
  fc.record({ role: fc.constant("writer" as const), idKey: secret, chunkKey: secret, indexKey: secret }),
  fc.constant({ role: "auditor" as const }),
);
const kindOf = (bytes: Uint8Array): string => {
  try {
    decodeBundle(bytes);
    return "accepted";
  } catch (error) {
    return isHoldfastError(error) ? error.kind : "unexpected";
  }
};
const key = new Uint8Array(32).fill(6);

test("decodeBundle reads what encodeBundle wrote, within the bound", () => {
  fc.assert(
    fc.property(bundles, (bundle) => {
      const bytes = encodeBundle(bundle);
      expect(bytes.length).toBeLessThanOrEqual(bundleMaxBytes);
      expect(decodeBundle(bytes)).toEqual(bundle);
    }),
  );
});

test("an owner's bundle has the bytes of the format", () => {
  expect(Buffer.from(encodeBundle({ role: "owner", masterSecret: key })).toString("hex")).toMatchInlineSnapshot(
    `"a361760164726f6c65656f776e65726c6d617374657253656372657458200606060606060606060606060606060606060606060606060606060606060606"`,
  );
});

test("an owner holds every key, a writer those for appending, an auditor none", async () => {
  const owner = await bundleKeys({ role: "owner", masterSecret: key });
  const all = await deriveKeys(key);
  expect(owner).toEqual({ role: "owner", ...all });
  const writer = await bundleKeys(await writerBundle(key));
  const { idKey, chunkKey, indexKey } = all;
  expect(writer).toEqual({ role: "writer", idKey, chunkKey, indexKey, stateKey: undefined, hpke: undefined });
  const { role, ...none } = await bundleKeys({ role: "auditor" });
  expect(role).toBe("auditor");
  expect(Object.values(none).every((value) => value === undefined)).toBe(true);
});

test("a writer's bundle contains neither the master secret nor a key that opens states", async () => {
  const all = await deriveKeys(key);
  const bytes = Buffer.from(encodeBundle(await writerBundle(key)));
  for (const hidden of [key, all.stateKey, all.hpke.privateKey])
    expect(bytes.includes(Buffer.from(hidden))).toBe(false);
});

test("decodeBundle refuses what is not exactly one bundle", () => {
  const owner = { v: 1, role: "owner", masterSecret: key };
  const whole = encodeBundle({ role: "owner", masterSecret: key });
  const refused: Record<string, Uint8Array> = {
    nothing: new Uint8Array(),
    "a number": encode(1),
    "an array": encode([owner]),
    "no version": encode({ role: "auditor" }),
    "version 0": encode({ ...owner, v: 0 }),
    "an unknown role": encode({ v: 1, role: "reader" }),
    "a short secret": encode({ ...owner, masterSecret: key.subarray(1) }),
    "a text as secret": encode({ ...owner, masterSecret: "secret" }),
    "a field too many": encode({ ...owner, idKey: key }),
    "a field too few": encode({ v: 1, role: "owner" }),
    "a tail": Buffer.concat([whole, new Uint8Array(1)]),
    "too many bytes": encode({ ...owner, masterSecret: new Uint8Array(400) }),
    "another order of fields": Buffer.concat([
      new Uint8Array([0xa2]),
      encode("role"),
      encode("auditor"),
      encode("v"),
      encode(1),
    ]),
    "a version in two bytes": Buffer.concat([
      new Uint8Array([0xa2]),
      encode("v"),
      new Uint8Array([0x18, 1]),
      encode("role"),
      encode("auditor"),
    ]),
  };
  for (const [name, bytes] of Object.entries(refused)) expect(kindOf(bytes), name).toBe("corrupt");
  for (let length = 0; length < whole.length; length += 1) expect(kindOf(whole.subarray(0, length))).toBe("corrupt");
});

test("decodeBundle tells a newer version from damage", () => {
  expect(kindOf(encode({ v: 2, role: "owner", anything: 1 }))).toBe("incompatible");
});

test("no refusal quotes a secret", () => {
  const masterSecret = new Uint8Array(31).fill(0xab);
  try {
    decodeBundle(encode({ v: 1, role: "owner", masterSecret }));
    expect.unreachable();
  } catch (error) {
    expect(String(error) + JSON.stringify(error)).not.toMatch(/abab|171/);
  }
});
