import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { emptyEntry, entryTypes } from "#shared/format/entry.ts";
import { formatLimits } from "#shared/format/limits.ts";
import { LeafWriter } from "#shared/format/leaf-writer.ts";
import { boundedExtents, extentsMax } from "./bounded-extents.ts";

const extents = fc
  .array(fc.record({ hole: fc.integer({ min: 1, max: 100 }), data: fc.integer({ min: 1, max: 100 }) }), {
    maxLength: 60,
  })
  .map((parts) => {
    let at = 0;
    return parts.flatMap(({ hole, data }) => {
      const offset = at + hole * 4096;
      at = offset + data * 4096;
      return [offset, data * 4096];
    });
  });

describe("boundedExtents", () => {
  it("covers all data, in order and apart, in no more ranges than it may", () => {
    fc.assert(
      fc.property(extents, fc.integer({ min: 1, max: 40 }), (all, max) => {
        const bounded = boundedExtents(all, max);
        expect(bounded.length / 2).toBeLessThanOrEqual(max);
        if (all.length / 2 <= max) expect(bounded).toEqual(all);
        let end = -1;
        for (let index = 0; index < bounded.length; index += 2) {
          expect(bounded[index]).toBeGreaterThan(end);
          end = (bounded[index] ?? 0) + (bounded[index + 1] ?? 0);
        }
        for (let index = 0; index < all.length; index += 2) {
          const from = all[index] ?? 0;
          const to = from + (all[index + 1] ?? 0);
          const holds = bounded.some(
            (offset, place) => place % 2 === 0 && offset <= from && to <= offset + (bounded[place + 1] ?? 0),
          );
          expect(holds).toBe(true);
        }
        // It begins and ends with data, as before.
        expect(bounded.at(0)).toBe(all.at(0));
        if (all.length > 0)
          expect((bounded.at(-2) ?? 0) + (bounded.at(-1) ?? 0)).toBe((all.at(-2) ?? 0) + (all.at(-1) ?? 0));
      }),
    );
  });

  it("keeps so few that an entry always fits in a tree node, at whatever offsets", () => {
    const entry = emptyEntry("", "x", entryTypes.file);
    entry.extents = Array.from({ length: extentsMax * 2 }, () => 2 ** 33);
    const writer = new LeafWriter();
    writer.add(entry);
    expect(writer.bytes).toBeLessThan(formatLimits.treeNodeBytes / 2);
  });
});
