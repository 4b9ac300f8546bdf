import { expect, test } from "vitest";
import { decodeHex } from "#shared/bytes/hex.ts";
import { testId } from "./log.fixtures.ts";
import { PackIdTable } from "./pack-id-table.ts";

test("ids are numbered in the order of their coming, and found by bytes and by text", () => {
  const table = new PackIdTable();
  const ids = Array.from({ length: 5000 }, (_, index) => testId("pack", `pack ${index}`));
  for (const [row, id] of ids.entries()) expect(row % 2 === 0 ? table.addId(id) : table.add(decodeHex(id))).toBe(row);
  for (const [row, id] of ids.entries()) {
    expect(table.findId(id)).toBe(row);
    expect(table.idAt(row)).toBe(id);
  }
  expect(table.addId(ids[17]!)).toBe(17);
  expect(table.size).toBe(5000);
  expect(table.findId(testId("pack", "another"))).toBe(-1);
});

test("ids that fall on one place are told apart", () => {
  const table = new PackIdTable();
  const ids = Array.from({ length: 100 }, (_, index) => new Uint8Array(32).fill(7).with(31, index));
  for (const [row, id] of ids.entries()) expect(table.add(id)).toBe(row);
  for (const [row, id] of ids.entries()) expect(table.find(id)).toBe(row);
  expect(table.find(new Uint8Array(32).fill(7).with(30, 1))).toBe(-1);
});
