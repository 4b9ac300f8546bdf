import { expect, it } from "vitest";
import type { ParentSource } from "./find-parent.ts";
import { lossesOfSource } from "./losses-of-source.ts";

type Seen = { readonly entries: number; readonly isMount?: boolean };

const optionsOf = ({ isMount }: Seen) => new Map(isMount === true ? [["mount-point", "true"]] : []);

function kinds(now: Seen, before: Seen): string[] {
  const source = { options: optionsOf(before), tree: { entries: before.entries } };
  const parent = { snapshot: { id: "0123456789abcdef" }, source } as unknown as ParentSource;
  return lossesOfSource({ root: "/mnt", options: optionsOf(now), entries: now.entries }, parent).map(
    ({ kind }) => kind,
  );
}

it("lossesOfSource tells of a source that is empty and was not, or lost nine of ten of many entries", () => {
  expect(kinds({ entries: 1 }, { entries: 201 })).toEqual(["shrunk"]);
  expect(kinds({ entries: 1 }, { entries: 2 })).toEqual(["shrunk"]);
  expect(kinds({ entries: 2 }, { entries: 201 })).toEqual(["shrunk"]);
  expect(kinds({ entries: 20 }, { entries: 200 })).toEqual(["shrunk"]);
});

it("lossesOfSource says nothing of one that was empty before, kept a tenth, or had few entries", () => {
  expect(kinds({ entries: 1 }, { entries: 1 })).toEqual([]);
  expect(kinds({ entries: 21 }, { entries: 200 })).toEqual([]);
  expect(kinds({ entries: 3 }, { entries: 50 })).toEqual([]);
  expect(kinds({ entries: 300 }, { entries: 200 })).toEqual([]);
});

it("lossesOfSource tells of a root on which a filesystem was mounted", () => {
  expect(kinds({ entries: 9 }, { entries: 9, isMount: true })).toEqual(["unmounted"]);
  expect(kinds({ entries: 9, isMount: true }, { entries: 9 })).toEqual([]);
  expect(kinds({ entries: 1 }, { entries: 9, isMount: true })).toEqual(["unmounted", "shrunk"]);
});
