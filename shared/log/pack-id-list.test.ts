import { expect, test } from "vitest";
import { testId } from "./log.fixtures.ts";
import { PackIdList } from "./pack-id-list.ts";

test("ids come back in the order of their coming, and in that of their bytes", () => {
  const list = new PackIdList();
  expect([list.length, [...list], [...list.ascending()]]).toEqual([0, [], []]);
  const ids = Array.from({ length: 5000 }, (_, index) => testId("pack", `pack ${index}`));
  for (const id of ids) list.push(id);
  expect(list.length).toBe(5000);
  expect([...list]).toEqual(ids);
  expect([...list.ascending()]).toEqual(ids.toSorted());
});
