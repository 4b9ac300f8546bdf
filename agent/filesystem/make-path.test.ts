import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { makePath } from "./make-path.ts";

const directory = mkdtempSync(join(tmpdir(), "holdfast-make-path-"));
afterAll(() => rmSync(directory, { recursive: true }));

test("makePath makes all that is missing, with the mode, and takes what is there", () => {
  makePath(join(directory, "a", "b", "c"), 0o700);
  expect(statSync(join(directory, "a", "b", "c")).mode & 0o777).toBe(0o700);
  makePath(join(directory, "a", "b"), 0o700);
});

test("makePath says what is really in the way", () => {
  writeFileSync(join(directory, "file"), "");
  expect(() => makePath(join(directory, "file"))).toThrow(expect.objectContaining({ kind: "conflict" }));
  expect(() => makePath(join(directory, "file", "below"))).toThrow(expect.objectContaining({ kind: "absent" }));
  // Nothing can be made in /proc.
  expect(() => makePath("/proc/none/below")).toThrow(expect.objectContaining({ kind: "absent" }));
});
