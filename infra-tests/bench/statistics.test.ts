import { expect, test } from "vitest";
import { summarize } from "./statistics.ts";

test("summarize takes the middle of an odd series and the mean of the middle two of an even one", () => {
  expect(summarize([3, 1, 10])).toEqual({ median: 3, min: 1, max: 10 });
  expect(summarize([4, 1, 2, 100])).toEqual({ median: 3, min: 1, max: 100 });
});

test("summarize of nothing is undefined", () => {
  expect(summarize([])).toBeUndefined();
});
