import { expect, test } from "vitest";
import { HoldfastError } from "#shared/errors.ts";
import { formatSnapshotReference, parsePathReference, parseSnapshotReference } from "./snapshot-reference.ts";

test.each([
  ["latest", { by: "age", back: 0 }],
  ["latest~2", { by: "age", back: 2 }],
  ["3f2a", { by: "prefix", prefix: "3f2a" }],
  ["3F2Abc", { by: "prefix", prefix: "3f2abc" }],
] as const)("parseSnapshotReference reads %s", (text, reference) => {
  expect(parseSnapshotReference(text)).toEqual(reference);
  expect(formatSnapshotReference(parseSnapshotReference(text))).toBe(text.toLowerCase());
});

test.each(["", "3f2", "latest~", "latest~-1", "newest", "xyz9", "a".repeat(65)])(
  "parseSnapshotReference refuses %j",
  (text) => {
    expect(() => parseSnapshotReference(text)).toThrow(HoldfastError);
  },
);

test.each([
  ["latest", undefined],
  ["latest:", "/"],
  ["latest:/", "/"],
  ["latest:etc", "/etc"],
  ["latest:/etc//ssh/./", "/etc/ssh"],
  ["latest:/a:b", "/a:b"],
  ["latest:/ü", "/\xc3\xbc"],
  ["latest:/\\xff\\n", "/\xff\n"],
])("parsePathReference reads the path of %s", (text, path) => {
  expect(parsePathReference(text)).toEqual({ snapshot: { by: "age", back: 0 }, path });
});

test("parsePathReference refuses a path that climbs", () => {
  expect(() => parsePathReference("latest:/etc/../root")).toThrow('".." has no meaning inside a snapshot');
});
