import { expect, test } from "vitest";
import { HoldfastError } from "#shared/errors.ts";
import { formatSnapshotReference, ofLine, parsePathReference, parseSnapshotReference } from "./snapshot-reference.ts";

test.each([
  ["latest", { by: "age", back: 0 }],
  ["latest~2", { by: "age", back: 2 }],
  ["latest@web1", { by: "age", back: 0, line: { host: "web1", name: undefined, tags: [] } }],
  ["latest~2@web1.example.org", { by: "age", back: 2, line: { host: "web1.example.org", name: undefined, tags: [] } }],
  ["3f2a", { by: "prefix", prefix: "3f2a" }],
  ["3F2Abc", { by: "prefix", prefix: "3f2abc" }],
] as const)("parseSnapshotReference reads %s", (text, reference) => {
  expect(parseSnapshotReference(text)).toEqual(reference);
  expect(formatSnapshotReference(parseSnapshotReference(text))).toBe(text.toLowerCase());
});

test("parseSnapshotReference takes the count before the host or after it", () => {
  expect(parseSnapshotReference("latest@web1~2")).toEqual(parseSnapshotReference("latest~2@web1"));
});

test("ofLine refuses two hosts, and takes one that is named twice", () => {
  const line = { host: "web1", name: undefined, tags: ["a"] };
  expect(ofLine(parseSnapshotReference("latest@web1"), line)).toEqual({ by: "age", back: 0, line });
  expect(() => ofLine(parseSnapshotReference("latest@web2"), line)).toThrow(/they name two hosts/);
});

test.each(["", "3f2", "latest@", "latest~1@", "latest~", "latest~-1", "newest", "xyz9", "a".repeat(65)])(
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

test("parsePathReference reads the host before the first colon", () => {
  const snapshot = parseSnapshotReference("latest@web1");
  expect(parsePathReference("latest@web1:/a@b:c")).toEqual({ snapshot, path: "/a@b:c" });
});

test("parsePathReference refuses a path that climbs", () => {
  expect(() => parsePathReference("latest:/etc/../root")).toThrow('".." has no meaning inside a snapshot');
});
