import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteBoundedCache } from "./byte-bounded-cache.ts";

const key = fc.integer({ min: 0, max: 9 });
const step = fc.oneof(
  fc.record({ do: fc.constant("add" as const), key, sizeBytes: fc.integer({ min: 0, max: 60 }) }),
  fc.record({ do: fc.constant("get" as const), key }),
  fc.record({ do: fc.constant("drop" as const), key }),
);

/** The least that a cache of 100 bytes promises, written down plainly: a list, the least recently used first. */
class Twin {
  entries: { key: number; value: number; sizeBytes: number }[] = [];

  take(wanted: number) {
    const found = this.entries.find((each) => each.key === wanted);
    this.entries = this.entries.filter((each) => each.key !== wanted);
    return found;
  }

  add(entry: { key: number; value: number; sizeBytes: number }): void {
    this.take(entry.key);
    this.entries.push(entry);
    while (this.entries.length > 1 && this.entries.reduce((sum, each) => sum + each.sizeBytes, 0) > 100)
      this.entries.shift();
  }
}

describe("ByteBoundedCache", () => {
  it("keeps what a plain list of the most recently used would keep", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const cache = new ByteBoundedCache<number, number>(100);
        const twin = new Twin();
        for (const [value, each] of steps.entries()) {
          if (each.do === "add") {
            cache.add(each.key, value, each.sizeBytes);
            twin.add({ key: each.key, value, sizeBytes: each.sizeBytes });
          } else if (each.do === "drop") {
            cache.drop(each.key);
            twin.take(each.key);
          } else {
            const expected = twin.take(each.key);
            if (expected !== undefined) twin.entries.push(expected);
            expect(cache.get(each.key)).toBe(expected?.value);
          }
        }
        for (const each of twin.entries) expect(cache.get(each.key)).toBe(each.value);
        for (let absent = 0; absent < 10; absent++) {
          if (!twin.entries.some((each) => each.key === absent)) expect(cache.get(absent)).toBeUndefined();
        }
      }),
    );
  });

  it("keeps the newest value even if it is larger than the limit", () => {
    const cache = new ByteBoundedCache<string, string>(10);
    cache.add("small", "a", 5);
    cache.add("large", "b", 1000);
    expect(cache.get("small")).toBeUndefined();
    expect(cache.get("large")).toBe("b");
    cache.add("next", "c", 1);
    expect(cache.get("large")).toBeUndefined();
    expect(cache.get("next")).toBe("c");
  });
});
