import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IdMap } from "./id-map.ts";

/** Ids of 8 digits with few distinct beginnings, so that leaves split deep. */
const id = fc
  .tuple(fc.constantFrom("0000", "0001", "00ff", "a000", "ffff"), fc.integer({ min: 0, max: 65535 }))
  .map(([prefix, rest]) => prefix + rest.toString(16).padStart(4, "0"));
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ id, value: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ id, value: fc.constant(undefined) }) },
);

describe("IdMap", () => {
  it("behaves as a Map does, and leaves every older version as it was", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        let map = IdMap.empty<string, number>();
        const model = new Map<string, number>();
        const versions: { map: IdMap<string, number>; expected: (readonly [string, number])[] }[] = [];
        for (const [index, { id: each, value }] of steps.entries()) {
          if (value === undefined) {
            map = map.without(each);
            model.delete(each);
          } else {
            map = map.with(each, value);
            model.set(each, value);
          }
          if (index % 37 === 0) versions.push({ map, expected: [...model].sort(byId) });
          expect(map.get(each)).toBe(model.get(each));
          expect(map.has(each)).toBe(model.has(each));
          expect(map.size).toBe(model.size);
        }
        versions.push({ map, expected: [...model].sort(byId) });
        for (const version of versions) expect([...version.map]).toEqual(version.expected);
      }),
    );
  });

  it("puts in and takes out many at once as it does one by one", () => {
    const several = fc.record({
      ids: fc.array(id, { maxLength: 600 }),
      value: fc.option(fc.nat(), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(several, { maxLength: 8 }), (steps) => {
        let map = IdMap.empty<string, number>();
        const model = new Map<string, number>();
        const versions: { map: IdMap<string, number>; expected: (readonly [string, number])[] }[] = [];
        for (const { ids, value } of steps) {
          map = value === undefined ? map.withoutAll(ids) : map.withAll(ids, value);
          for (const each of ids) {
            if (value === undefined) model.delete(each);
            else model.set(each, value);
          }
          versions.push({ map, expected: [...model].sort(byId) });
        }
        for (const version of versions) {
          expect([...version.map]).toEqual(version.expected);
          expect(version.map.size).toBe(version.expected.length);
          const visited: [string, number][] = [];
          version.map.forEachBytes((bytes, at, value) =>
            visited.push([Buffer.from(bytes.subarray(at, at + 4)).toString("hex"), value]),
          );
          expect(visited).toEqual(version.expected);
          const ids = Buffer.from(version.expected.map(([each]) => each).join(""), "hex");
          const built = IdMap.ofAscending<string, number>(
            ids,
            version.expected.map(([, value]) => value),
          );
          ids.fill(0xff); // it keeps copies
          expect([...built]).toEqual(version.expected);
          for (const [each, value] of version.expected.slice(0, 20)) expect(built.get(each)).toBe(value);
        }
      }),
    );
  });

  it("keeps an id apart from all that share its beginning", () => {
    let map = IdMap.empty<string, number>();
    for (let index = 0; index < 100; index++) map = map.with("f".repeat(60) + String(index).padStart(4, "0"), index);
    expect(map.size).toBe(100);
    expect(map.get("f".repeat(60) + "0042")).toBe(42);
    expect(map.get("f".repeat(60) + "0100")).toBeUndefined();
    expect([...map.keys()]).toHaveLength(100);
    expect([...map.values()].at(-1)).toBe(99);
  });
});

function byId(left: readonly [string, number], right: readonly [string, number]): number {
  return left[0] < right[0] ? -1 : 1;
}
