import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compareEntryKeys } from "#shared/format/entry.ts";
import { isBorder } from "#shared/tree/is-border.ts";
import { newFindings } from "./scan-findings.ts";
import { scanRanges } from "./scan-ranges.ts";
import { findPlace, type ScanKey, type ScanOptions, type ScanPlace, scanTree } from "./scan-tree.ts";
import { ThreadedScan } from "./threaded-scan.ts";

let root: string;
let options: ScanOptions;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "scan-ranges-"));
  for (const dir of ["a", "a/b", "a/b/c", "a/d", "a-", "b", "b/a", "b/a/a", "c", "c/x"])
    for (let number = 0; number < 7; number++) {
      mkdirSync(join(root, dir), { recursive: true });
      writeFileSync(join(root, dir, `${number * 3}`), "");
    }
  for (const name of ["0", "a.txt", "z"]) writeFileSync(join(root, name), "");
  options = {
    root,
    excludes: (path) => path === "a/b/9",
    oneFileSystem: false,
    skip: { paths: [join(root, "c/x")], identities: [] },
    findings: newFindings(),
  };
});

afterAll(() => rmSync(root, { recursive: true }));

/** The keys of a range, and where it ends. */
function scanned(range: { from?: ScanPlace; to?: ScanKey }): { keys: ScanKey[]; end: ScanPlace } {
  const keys: ScanKey[] = [];
  const records = scanTree(options, { onProblem: ({ message }) => expect.fail(message) }, range);
  let step = records.next();
  for (; step.done !== true; step = records.next())
    if (step.value !== undefined) keys.push({ dir: step.value.dir, name: step.value.name });
  return { keys, end: step.value };
}

/** Keys around each that is there, some of which are not. */
function cutsAround(keys: readonly ScanKey[]): ScanKey[] {
  const absent = [
    { dir: "a/b", name: "9" },
    { dir: "a/bb", name: "1" },
    { dir: "c/x", name: "3" },
    { dir: "a/b/c/none", name: "x" },
    { dir: "a/0", name: "x" },
    { dir: "zz", name: "zz" },
  ];
  return [...keys, ...keys.map(({ dir, name }) => ({ dir, name: `${name}!` })), ...absent];
}

describe("a scan in ranges", () => {
  it("is the scan of the whole, wherever it is cut, and each range begins where the one before ends", () => {
    const { keys } = scanned({});
    expect(keys.length).toBeGreaterThan(60);
    for (const to of cutsAround(keys)) {
      const before = scanned({ to });
      const from = findPlace(options, to);
      expect(from).toEqual(before.end);
      const after = scanned({ from });
      expect([...before.keys, ...after.keys]).toEqual(keys);
      expect(after.end.rest).toEqual([]);
      for (const { dir, name } of before.keys) expect(compareEntryKeys(dir, name, to.dir, to.name)).toBeLessThan(1);
    }
  });

  it("is the scan of the whole for any two cuts", () => {
    const { keys } = scanned({});
    const cuts = cutsAround(keys)
      .sort((left, right) => compareEntryKeys(left.dir, left.name, right.dir, right.name))
      .filter((_cut, index) => index % 3 === 0);
    for (const [index, first] of cuts.entries()) {
      for (const second of cuts.slice(index)) {
        const middle = scanned({ from: findPlace(options, first), to: second });
        expect(middle.end).toEqual(findPlace(options, second));
        const all = [scanned({ to: first }), middle, scanned({ from: findPlace(options, second) })];
        expect(all.flatMap((each) => each.keys)).toEqual(keys);
      }
    }
  });
});

describe("ThreadedScan", () => {
  const noDigest = new Uint8Array(16);

  /** Blocks that make a scan be cut at these keys. */
  function knownFor(cuts: readonly ScanKey[]) {
    const blocks = [];
    for (const cut of [...cuts, undefined]) {
      for (let number = 0; number < 40; number++) {
        const [lastDir, lastName] = [`filler${number}`, "filler"];
        if (!isBorder(lastDir, lastName, 0)) blocks.push({ leaves: [{ lastDir, lastName }] });
      }
      if (cut !== undefined) blocks.push({ leaves: [{ lastDir: cut.dir, lastName: cut.name }] });
    }
    return { digests: noDigest, blocks };
  }

  /** The first name in a directory, in this tree or not, with which a leaf ends. */
  function borderIn(dir: string): ScanKey {
    for (let number = 0; ; number++) {
      const name = `${number % 10}${number}`;
      if (isBorder(dir, name, 0)) return { dir, name };
    }
  }

  async function scan(cuts: readonly ScanKey[]): Promise<string[]> {
    const known = knownFor(cuts);
    expect(scanRanges(known)).toEqual(cuts);
    const threaded = new ThreadedScan({
      root,
      excludes: [{ line: "a/b/9", number: 0 }],
      oneFileSystem: false,
      skip: options.skip,
      known,
    });
    const paths: string[] = [];
    for await (const batch of threaded.batches(({ message }) => expect.fail(message)))
      for (const block of batch)
        if ("records" in block) for (const { dir, name } of block.records) paths.push(`${dir}/${name}`);
    return paths;
  }

  const paths = (): string[] => scanned({}).keys.map(({ dir, name }) => `${dir}/${name}`);

  it("puts what its threads tell in order", async () => {
    expect(await scan(["a", "a/b", "a/d", "b/a", "b/a/a"].map(borderIn))).toEqual(paths());
  });

  it("scans again what does not begin where the range before ended", async () => {
    // Cuts in the wrong order look like a tree that changed.
    expect(await scan(["b/a", "a/b", "c"].map(borderIn))).toEqual(paths());
  });
});
