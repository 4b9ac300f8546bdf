import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isHoldfastError } from "#shared/errors.ts";
import { decodeRecoveryKey, encodeRecoveryKey } from "./recovery-key.ts";

const secrets = fc.uint8Array({ minLength: 32, maxLength: 32 });
const kindOf = (text: string): string => {
  try {
    decodeRecoveryKey(text);
    return "accepted";
  } catch (error) {
    return isHoldfastError(error) ? error.kind : "unexpected";
  }
};

test("a recovery key is 12 groups of 5 letters and always the same", () => {
  const key = encodeRecoveryKey(Uint8Array.from({ length: 32 }, (_, i) => i));
  expect(key).toMatch(/^([0-9A-HJKMNP-TV-Z]{5}-){11}[0-9A-HJKMNP-TV-Z]{5}$/);
  expect(key).toMatchInlineSnapshot(`"04002-0G30G-2GC1R-81450-P30D1-R7H04-8J2CA-1A5GQ-30CHM-6RW3M-F1YJ8-HETR0"`);
});

test("decodeRecoveryKey reads what encodeRecoveryKey wrote", () => {
  fc.assert(
    fc.property(secrets, (secret) => {
      expect(decodeRecoveryKey(encodeRecoveryKey(secret))).toEqual(secret);
    }),
  );
});

test("case, spaces, hyphens, line ends, O for 0 and I or L for 1 do not matter", () => {
  fc.assert(
    fc.property(secrets, fc.constantFrom("I", "L", "i", "l"), (secret, one) => {
      const key = encodeRecoveryKey(secret);
      const typed = ` ${key.toLowerCase().replaceAll("-", " \n").replaceAll("0", "o").replaceAll("1", one)}\r\n`;
      expect(decodeRecoveryKey(typed)).toEqual(secret);
      expect(decodeRecoveryKey(key.replaceAll("-", ""))).toEqual(secret);
    }),
  );
});

test("a wrong letter anywhere, and two neighbours swapped, are noticed", () => {
  const key = encodeRecoveryKey(new Uint8Array(32).map((_, i) => i * 7));
  for (let i = 0; i < key.length; i += 1) {
    if (key[i] === "-") continue;
    const other = key[i] === "7" ? "8" : "7";
    expect(kindOf(key.slice(0, i) + other + key.slice(i + 1)), `letter ${i}`).toBe("invalid");
    const [a = "", b = ""] = [key[i], key[i + 1]];
    if (b === "-" || b === "" || a === b) continue;
    expect(kindOf(key.slice(0, i) + b + a + key.slice(i + 2)), `letters ${i} and ${i + 1}`).toBe("invalid");
  }
});

test("every recovery key has one spelling: of all last letters one is accepted", () => {
  fc.assert(
    fc.property(secrets, (secret) => {
      const key = encodeRecoveryKey(secret);
      const accepted = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
        .split("")
        .filter((last) => kindOf(key.slice(0, -1) + last) === "accepted");
      expect(accepted).toEqual([key.at(-1)]);
    }),
  );
});

test("keys that are too short, too long or spelled with strange letters are refused", () => {
  const key = encodeRecoveryKey(new Uint8Array(32));
  for (const text of ["", key.slice(1), `${key}0`, key.replace(/.$/, "U"), key.replace(/.$/, "é")]) {
    expect(kindOf(text)).toBe("invalid");
  }
});

test("a refusal says where the strange letter stands and quotes nothing of the key", () => {
  const key = encodeRecoveryKey(new Uint8Array(32).fill(0xa5));
  expect(() => decodeRecoveryKey(`${key.slice(0, 7)}U${key.slice(8)}`)).toThrow(/letter 2 of group 2/);
  try {
    decodeRecoveryKey(`${key.slice(0, 7)}7${key.slice(8)}`);
    expect.unreachable();
  } catch (error) {
    for (const group of key.split("-")) expect(String(error)).not.toContain(group);
  }
});

test("encodeRecoveryKey refuses a secret that has not 32 bytes", () => {
  expect(() => encodeRecoveryKey(new Uint8Array(16))).toThrow(/must have 32/);
});
