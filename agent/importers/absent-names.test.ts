import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BeneathRoot } from "#agent/filesystem/open-beneath.ts";
import type { ScanProblem } from "#shared/connectors/importer.ts";
import { AbsentNames } from "./absent-names.ts";
import { type ExcludeRules, excludeRules } from "./exclude-rules.ts";

let root: string;
let beneath: BeneathRoot;
let problems: ScanProblem[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "absent-names-"));
  mkdirSync(join(root, "d"));
  beneath = new BeneathRoot(root);
  problems = [];
});
afterEach(() => {
  beneath.close();
  rmSync(root, { recursive: true });
});

const onProblem = (problem: ScanProblem): number => problems.push(problem);

function namesIn(dir: string, look?: () => number, excludes?: ExcludeRules): AbsentNames {
  const prefix = dir === "" ? `${root}/` : `${root}/${dir}/`;
  return new AbsentNames(
    { dir, prefix },
    { beneath, onProblem, options: { excludes }, ...(look === undefined ? {} : { look }) },
  );
}

test("a name that another listing lacks has vanished, and is passed over", () => {
  writeFileSync(join(root, "d/other"), "");
  const names = namesIn("d");
  names.note("gone");
  names.tell();
  expect(problems).toEqual([]);
});

test("a name that is still listed and not found is told of, once", () => {
  writeFileSync(join(root, "d/broken"), "");
  const names = namesIn("d", () => 2);
  names.note("broken");
  names.note("gone");
  names.tell();
  names.tell();
  expect(problems).toMatchObject([{ path: `${root}/d/broken`, kind: "ENOENT" }]);
});

test("a name that is found after all was replaced, and is told of", () => {
  writeFileSync(join(root, "replaced"), "");
  const names = namesIn("");
  names.note("replaced");
  names.tell();
  expect(problems).toMatchObject([{ path: `${root}/replaced`, kind: "replaced" }]);
});

test("a name that is excluded is passed over, whatever becomes of it", () => {
  writeFileSync(join(root, "d/kept"), "");
  writeFileSync(join(root, "d/left out"), "");
  const names = namesIn("d", undefined, excludeRules([{ line: "left out", number: 0 }], new Set()));
  names.note("left out");
  names.note("kept");
  names.tell();
  expect(problems).toMatchObject([{ path: `${root}/d/kept` }]);
});

test("names that vanished with their directory are passed over", () => {
  const names = namesIn("d");
  names.note("gone");
  rmSync(join(root, "d"), { recursive: true });
  names.tell();
  expect(problems).toEqual([]);
});

test("a directory that is emptied while it is read is listed again once for many names, and none of them is told of", () => {
  writeFileSync(join(root, "d/broken"), "");
  const names = namesIn("d", () => 2);
  names.note("broken");
  for (let number = 1; number < 10_000; number++) names.note(`gone ${number}`);
  expect(problems).toHaveLength(1);
  names.tell();
  expect(problems).toHaveLength(1);
});
