import { describe, expect, it } from "vitest";
import { isHoldfastError } from "#shared/errors.ts";
import {
  checkpointKey,
  isObjectKey,
  keySlotKey,
  logKey,
  packKey,
  requireKeyPrefix,
  requireObjectKey,
  seqOfKey,
  sha256HexOfKey,
  stateKey,
} from "./object-key.ts";

const hex = "0f".repeat(32);

function kindOf(action: () => unknown): string {
  try {
    action();
    return "no error";
  } catch (error) {
    return isHoldfastError(error) ? error.kind : String(error);
  }
}

describe("object keys", () => {
  it.each(["a", "config", "packs/ab/cd", "...", "a/.b", "a/..c", "A-._9", "x".repeat(200), "a/tmp/b", "tmpx", "-"])(
    "%s is legal",
    (key) => {
      expect(isObjectKey(key)).toBe(true);
      requireObjectKey(key);
    },
  );

  it.each([
    "",
    "/",
    "/a",
    "a/",
    "a//b",
    ".",
    "..",
    "a/.",
    "a/..",
    "../a",
    "a/../b",
    "ä",
    "a b",
    "a\\b",
    "a\0",
    "a\n",
    "tmp",
    "tmp/x",
    "x".repeat(201),
    "a%2f",
    "a+b",
    `${"abcdefg/".repeat(64)}x`,
  ])("%j is refused", (key) => {
    expect(isObjectKey(key)).toBe(false);
    expect(kindOf(() => requireObjectKey(key))).toBe("invalid");
  });

  it("a key of 512 bytes is legal and one of 513 is not", () => {
    const key = `${"abcdefg/".repeat(63)}12345678`;
    expect(key.length).toBe(512);
    expect(isObjectKey(key)).toBe(true);
    expect(isObjectKey(`${key}9`)).toBe(false);
  });

  it("a prefix may be empty, end in a slash or stop within a part", () => {
    for (const prefix of ["", "packs/", "packs/a", "log", "a/.", "a/.."]) requireKeyPrefix(prefix);
    for (const prefix of ["/", "a//", "../", "a/../", "ü"])
      expect(kindOf(() => requireKeyPrefix(prefix))).toBe("invalid");
  });
});

describe("the layout", () => {
  it("fans packs and states out by their first two hex digits", () => {
    expect(packKey(hex)).toBe(`packs/0f/${hex}`);
    expect(stateKey(hex)).toBe(`states/0f/${hex}`);
  });

  it("numbers log entries and checkpoints with 20 digits, and reads them back", () => {
    expect(logKey(7)).toBe("log/00000000000000000007");
    expect(checkpointKey(Number.MAX_SAFE_INTEGER)).toBe("checkpoints/00009007199254740991");
    expect(seqOfKey(logKey(123_456))).toBe(123_456);
    expect(kindOf(() => seqOfKey("log/7"))).toBe("invalid");
    expect(kindOf(() => seqOfKey("log/99999999999999999999"))).toBe("invalid");
  });

  it("refuses ids and numbers that cannot be", () => {
    for (const id of ["", "0F".repeat(32), "0f".repeat(31), `${"0f".repeat(31)}zz`, `../${"0f".repeat(31)}`]) {
      expect(kindOf(() => packKey(id))).toBe("invalid");
    }
    for (const seq of [-1, 1.5, Number.NaN, 2 ** 53]) expect(kindOf(() => logKey(seq))).toBe("invalid");
    for (const slot of ["", "a/b", "..", "ü"]) expect(kindOf(() => keySlotKey(slot))).toBe("invalid");
  });

  it("tells the hash that the name of a pack promises, and of nothing else", () => {
    expect(sha256HexOfKey(packKey(hex))).toBe(hex);
    expect(sha256HexOfKey(stateKey(hex))).toBeUndefined();
    expect(sha256HexOfKey(logKey(1))).toBeUndefined();
    expect(sha256HexOfKey(`keys/${hex}`)).toBeUndefined();
  });
});
