import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hex, readJudge } from "./judge.testing.ts";
import { createMac, macNativeFromBytes, macWasmFromDigests } from "./mac.ts";
import { loadNativeBlake3 } from "./native-blake3.ts";

type Blake3Judge = {
  readonly key: string;
  readonly cases: readonly { readonly input_len: number; readonly keyed_hash: string }[];
};
const judge = readJudge<Blake3Judge>("blake3-test_vectors.json");
const key = new TextEncoder().encode(judge?.key ?? "whats the Elvish word for friend");
const countingBytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i % 251);

describe.skipIf(judge === undefined)("BLAKE3 vectors", () => {
  test.each([
    ["the best there is", true],
    ["WASM alone", false],
  ])("%s agrees with every keyed vector", async (_name, native) => {
    const mac = await createMac(key, { native });
    expect(judge?.cases.length).toBeGreaterThan(30);
    for (const { input_len: length, keyed_hash: expected } of judge?.cases ?? []) {
      expect(mac.digest(countingBytes(length)), `input of ${length} bytes`).toEqual(hex(expected.slice(0, 64)));
    }
  });
});

test("native and WASM agree around the border between them and for any content", async () => {
  const best = await createMac(key);
  const wasm = await createMac(key, { native: false });
  if (loadNativeBlake3() === undefined) process.stderr.write("\nSKIPPED: no native BLAKE3 on this machine\n\n");
  for (let length = macNativeFromBytes - 3; length < macNativeFromBytes + 3; length += 1) {
    expect(best.digest(countingBytes(length))).toEqual(wasm.digest(countingBytes(length)));
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40_000, size: "max" }), (data) => {
      expect(best.digest(data)).toEqual(wasm.digest(data));
    }),
    { numRuns: 50 },
  );
});

test("small inputs give the same before and after WASM takes over", async () => {
  const best = await createMac(key);
  const wasm = await createMac(key, { native: false });
  const input = countingBytes(100);
  const expected = wasm.digest(input);
  for (let round = 0; round < macWasmFromDigests + 5; round++) {
    if (round % 1000 === 0 || round > macWasmFromDigests - 5) expect(best.digest(input)).toEqual(expected);
    else best.digest(input);
  }
  for (let round = 0; round < 100; round++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    expect(best.digest(countingBytes(round))).toEqual(wasm.digest(countingBytes(round)));
  }
});

test("digestInto writes 32 bytes where it is told and nothing beside them", async () => {
  const mac = await createMac(key);
  for (const length of [10, macNativeFromBytes + 10]) {
    const out = new Uint8Array(48).fill(0xee);
    mac.digestInto(countingBytes(length), out, 8);
    expect(out.subarray(8, 40)).toEqual(mac.digest(countingBytes(length)));
    expect(out.subarray(0, 8)).toEqual(new Uint8Array(8).fill(0xee));
    expect(out.subarray(40)).toEqual(new Uint8Array(8).fill(0xee));
  }
});

test("digest returns bytes that later calls do not change", async () => {
  const mac = await createMac(key);
  for (const length of [10, 5000]) {
    const first = mac.digest(countingBytes(length));
    const copy = first.slice();
    mac.digest(new Uint8Array(length));
    expect(first).toEqual(copy);
    expect(first.buffer.byteLength).toBe(32);
  }
});

test("two MACs with different keys do not disturb each other, and the caller may wipe the key", async () => {
  const ownKey = key.slice();
  const one = await createMac(ownKey);
  const other = await createMac(new Uint8Array(32));
  const expected = [10, 5000].map((length) => one.digest(countingBytes(length)));
  ownKey.fill(0);
  for (const [i, length] of [10, 5000].entries()) {
    expect(other.digest(countingBytes(length))).not.toEqual(expected[i]);
    expect(one.digest(countingBytes(length))).toEqual(expected[i]);
  }
});

test("createMac refuses a key that has not 32 bytes", async () => {
  await expect(createMac(new Uint8Array(31))).rejects.toMatchObject({ kind: "invalid" });
});
