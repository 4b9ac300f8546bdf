import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NameTable } from "./name-table.ts";

describe("NameTable", () => {
  it("gives the names in byte order, whatever the order they came in", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1, maxLength: 20, unit: "binary-ascii" })), (names) => {
        const table = new NameTable();
        for (const name of names) table.add(name);
        expect([...table.sorted()]).toEqual([...names].sort());
      }),
    );
  });

  it("merges many runs", () => {
    const names: string[] = [];
    for (let index = 0; index < 150_000; index++) names.push(`name-${(index * 7_919) % 150_001}\xff`);
    const table = new NameTable();
    for (const name of names) table.add(name);
    expect([...table.sorted()]).toEqual(names.sort());
  });
});
