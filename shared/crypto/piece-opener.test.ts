import { expect, it } from "vitest";
import { PieceOpener } from "./piece-opener.ts";
import { open, seal } from "./seal.ts";

const context = {
  key: new Uint8Array(32).fill(3),
  nonce: new Uint8Array(24).fill(5),
  aad: new TextEncoder().encode("for the test"),
};
const plaintext = Uint8Array.from({ length: 1000 }, (_, index) => index * 7);

function openBy(sealed: Uint8Array, pieceBytes: number, given = context): Uint8Array {
  const opener = new PieceOpener(given, sealed.byteLength);
  for (let at = 0; at < sealed.byteLength; at += pieceBytes) opener.add(sealed.subarray(at, at + pieceBytes));
  return opener.finish();
}

it("opens pieces of any length as open does the whole", () => {
  const sealed = seal(context, plaintext);
  for (const pieceBytes of [1, 7, 64, 999, 1000, 1001, 1015, 1016, 5000]) {
    expect(openBy(sealed, pieceBytes), String(pieceBytes)).toEqual(open(context, sealed));
  }
  expect(openBy(seal(context, new Uint8Array(0)), 16)).toEqual(new Uint8Array(0));
});

it("refuses what was changed, cut, prolonged or sealed for something else", () => {
  const sealed = seal(context, plaintext);
  for (const at of [0, 500, 999, 1000, 1015]) {
    const changed = sealed.slice();
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(() => openBy(changed, 100), String(at)).toThrow("do not authenticate");
  }
  expect(() => openBy(sealed.subarray(0, 1015), 100)).toThrow("do not authenticate");
  expect(() => openBy(sealed, 100, { ...context, aad: new Uint8Array(1) })).toThrow("do not authenticate");
  const early = new PieceOpener(context, sealed.byteLength);
  early.add(sealed.subarray(0, 1010));
  expect(() => early.finish()).toThrow("do not authenticate");
  const late = new PieceOpener(context, sealed.byteLength);
  late.add(sealed);
  expect(() => late.add(new Uint8Array(1))).toThrow("do not authenticate");
  expect(() => new PieceOpener(context, 15)).toThrow("do not authenticate");
});
