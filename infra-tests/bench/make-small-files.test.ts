import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { makeSmallFiles } from "./make-small-files.ts";
import { treeSize } from "./tree-size.ts";

const scratch = mkdtempSync(join(tmpdir(), "small-files-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function digest(directory: string): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" }).sort()) {
    const path = join(directory, name);
    hash.update(name).update(statSync(path).isFile() ? readFileSync(path) : "/");
  }
  return hash.digest("hex");
}

test("makeSmallFiles fills directories one after the other and tells the bytes written", () => {
  const directory = join(scratch, "nested");
  const totalBytes = makeSmallFiles({ directory, files: 25, perDirectory: 10, seed: 7 });
  expect(treeSize(directory)).toEqual({ files: 25, entries: 28, sizeBytes: totalBytes });
  expect(readdirSync(directory).map((name) => readdirSync(join(directory, name)).length)).toEqual([10, 10, 5]);
});

test("makeSmallFiles puts everything into one directory when asked", () => {
  const directory = join(scratch, "flat");
  makeSmallFiles({ directory, files: 40, perDirectory: Infinity, seed: 7 });
  const sizes = readdirSync(directory).map((name) => statSync(join(directory, name)).size);
  expect(sizes.length).toBe(40);
  expect(Math.min(...sizes)).toBeGreaterThanOrEqual(4);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(1024);
});

test("makeSmallFiles makes the same tree of the same seed, and another of another", () => {
  const [a, b, c] = [7, 7, 8].map((seed, i) => {
    const directory = join(scratch, `seed-${i}`);
    makeSmallFiles({ directory, files: 12, perDirectory: 5, seed });
    return digest(directory);
  });
  expect(b).toBe(a);
  expect(c).not.toBe(a);
});
