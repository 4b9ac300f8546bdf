import { expect, test } from "vitest";
import { rotated } from "./rotated.ts";

test("rotated lets every contestant be at every place of the order once in as many rounds as there are contestants", () => {
  expect([1, 2, 3, 4].map((round) => rotated(["a", "b", "c"], round).join(""))).toEqual(["abc", "bca", "cab", "abc"]);
  expect(rotated([], 2)).toEqual([]);
});
