import { expect, test } from "vitest";
import { nearestName } from "./nearest-name.ts";

const verbs = ["create", "backup", "restore", "ls", "cat", "check", "info", "rm", "undelete", "key", "doctor", "help"];

test.each([
  ["bakcup", "backup"],
  ["restor", "restore"],
  ["chekc", "check"],
  ["un", "undelete"],
  ["sl", "ls"],
  ["snapshots", undefined],
  ["x", undefined],
  ["", undefined],
])("nearestName of %j is %j", (name, nearest) => {
  expect(nearestName(name, verbs)).toBe(nearest);
});
