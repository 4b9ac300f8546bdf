import { execFileSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Libc, libc } from "#agent/filesystem/libc.ts";
import { statPath } from "#agent/filesystem/stat-path.ts";
import { excludeRules } from "./exclude-rules.ts";
import { newFindings } from "./scan-findings.ts";
import { identityOf, nothingSkipped } from "./skipped-directories.ts";
import { ScanKernel } from "./kernel/scan-kernel.ts";
import type { ScanBatch } from "./scan-batch.ts";
import { scanRange } from "./scan-range.ts";
import { findPlace, type ScanKey, type ScanOptions, type ScanPlace } from "./scan-tree.ts";

let root: string;
const c = libc();

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "pack-directory-"));
});

afterAll(() => rmSync(root, { recursive: true }));

const latin1 = (path: string): string => Buffer.from(path).toString("latin1");
const raw = (...parts: string[]): Buffer => Buffer.from(parts.join("/"), "latin1");

function optionsOf(directory: string, more: Partial<ScanOptions> = {}): ScanOptions {
  return {
    root: latin1(directory),
    excludes: undefined,
    oneFileSystem: false,
    skip: nothingSkipped,
    findings: newFindings(),
    ...more,
  };
}

type Scanned = { readonly batches: readonly ScanBatch[]; readonly end: unknown };

function scan(
  options: ScanOptions,
  kernel: ScanKernel | undefined,
  { known, from, to }: { known?: Uint8Array; from?: ScanPlace; to?: ScanKey } = {},
): Scanned {
  const batches: ScanBatch[] = [];
  const steps = scanRange(options, { known, kernel }, { from, to });
  let step = steps.next();
  for (; step.done !== true; step = steps.next()) if (step.value !== undefined) batches.push(step.value.batch);
  const { place, uids, gids } = step.value;
  return { batches, end: { place, uids: [...uids].sort(), gids: [...gids].sort() } };
}

const namesOf = ({ batches }: Scanned): string[] => batches.flatMap(({ names }) => names.split("/"));
const digestsOf = ({ batches }: Scanned): Uint8Array =>
  Buffer.concat(
    batches.flatMap(({ blocks }) => blocks.map((block) => ("digest" in block ? block.digest : Buffer.alloc(0)))),
  );

describe.skipIf(c === undefined)("packDirectory", () => {
  const kernel = (calls: Partial<Libc> = {}): ScanKernel => new ScanKernel({ ...(c as Libc), ...calls });

  /** Scans in both ways, which must tell the same, and returns what they told. */
  function both(options: ScanOptions, range: { from?: ScanPlace; to?: ScanKey } = {}): Scanned {
    const plain = scan(options, undefined, range);
    expect(scan(options, kernel(), range)).toEqual(plain);
    return plain;
  }

  it("tells the same of every kind of entry as a scan record by record", () => {
    const all = join(root, "all");
    mkdirSync(join(all, "d/e"), { recursive: true });
    for (const name of ["file", "..hidden", "...", ".x", "\xff\xfe", "a\nb", "\xe9", "n".repeat(255), "-"]) {
      writeFileSync(raw(all, name), name);
    }
    writeFileSync(join(all, "d/large"), "");
    truncateSync(join(all, "d/large"), 2 ** 40 + 1);
    chmodSync(join(all, "file"), 0o6755);
    linkSync(join(all, "file"), join(all, "d/e/link"));
    symlinkSync("nowhere", join(all, "symlink"));
    execFileSync("mkfifo", [join(all, "fifo")]);
    utimesSync(join(all, "..hidden"), -1.5, -1.5);
    utimesSync(join(all, "-"), 5_000_000_000.25, 5_000_000_000.25);
    try {
      execFileSync("mknod", [join(all, "device"), "c", "1000", "70000"], { stdio: "ignore" });
      execFileSync("chown", ["1234:4321", join(all, "d/e/link"), join(all, ".x")], { stdio: "ignore" });
    } catch {
      // Only root may do that.
    }
    const names = namesOf(both(optionsOf(all)));
    expect(names).toEqual(expect.arrayContaining(["..hidden", "...", "\xff\xfe", "n".repeat(255), "fifo", "large"]));
  });

  it("sorts names as a sort of byte strings does", () => {
    const name = fc
      .array(fc.constantFrom("a", "b", "\xff", "\x01", "abcdefgh", "abcdefghabcdefgh"), { minLength: 1, maxLength: 12 })
      .map((parts) => parts.join(""));
    let number = 0;
    fc.assert(
      fc.property(fc.uniqueArray(name, { maxLength: 90 }), (names) => {
        const directory = join(root, `sort${number++}`);
        mkdirSync(directory);
        for (const each of names) writeFileSync(raw(directory, each), "");
        expect(namesOf(scan(optionsOf(directory), kernel()))).toEqual(["", ...names.sort()]);
      }),
      { numRuns: 50 },
    );
  });

  it("leaves known blocks out, and tells of one that changed alone", () => {
    const many = join(root, "many");
    for (const dir of ["a", "b", "b/c"]) {
      mkdirSync(join(many, dir), { recursive: true });
      for (let index = 0; index < 1500; index++) writeFileSync(join(many, dir, `file${index * 7919}`), "");
    }
    const first = both(optionsOf(many));
    const known = digestsOf(first);
    const blocks = first.batches.flatMap((batch) => batch.blocks);
    expect(blocks.length).toBeGreaterThan(5);
    const one = kernel();
    const again = (): unknown[] => scan(optionsOf(many), one, { known }).batches.flatMap((batch) => batch.blocks);
    expect(again()).toEqual(blocks.map((_block, index) => ({ known: index })));
    writeFileSync(join(many, "b/file7919"), "x");
    const changed = again();
    expect(changed.filter((block) => !("known" in (block as object)))).toHaveLength(1);
    expect(changed).toHaveLength(blocks.length);
    expect(scan(optionsOf(many), undefined, { known })).toEqual(scan(optionsOf(many), one, { known }));
  });

  it("does what excludes, directories to be passed over and cuts ask for", () => {
    const tree = join(root, "tree");
    for (const dir of ["a/store", "b/keep", "c"]) {
      mkdirSync(join(tree, dir), { recursive: true });
      for (let index = 0; index < 150; index++)
        writeFileSync(join(tree, dir, `${index}.${index % 2 === 0 ? "o" : "c"}`), "");
    }
    const store = join(tree, "a/store");
    const lines = ["*.o", "c/"].map((line, number) => ({ line, number }));
    const excludes = excludeRules(lines, new Set());
    const options = optionsOf(tree, { excludes, skip: { paths: [latin1(store)], identities: [] } });
    const byIdentity = optionsOf(tree, {
      excludes,
      skip: { paths: [], identities: [identityOf(statPath(latin1(store)))] },
    });
    expect(namesOf(both(byIdentity))).toEqual(namesOf(both(options)));
    expect(namesOf(both(options)).filter((name) => name.endsWith(".c"))).toHaveLength(75);
    for (const to of [
      { dir: "b", name: "keep" },
      { dir: "b/keep", name: "31.c" },
      { dir: "b/keep", name: "none" },
      { dir: "", name: "b" },
    ]) {
      const before = both(options, { to });
      const after = both(options, { from: findPlace(options, to) });
      expect([...namesOf(before), ...namesOf(after)].sort()).toEqual(namesOf(both(options)).sort());
    }
  });

  it("tells of entries that cannot be looked at, looks twice at what is not found, and passes over what another listing lacks", () => {
    const odd = join(root, "odd");
    mkdirSync(odd);
    for (const name of ["a", "b", "c", "d", "e", "f"]) writeFileSync(join(odd, name), "");
    const { statx, errno } = c as Libc;
    let failure = 0;
    let looksAtE = 0;
    const failing = kernel({
      statx: (fd, path, flags, mask, out) => {
        const text = Buffer.from(bytesAt(path, 2)).toString();
        failure = text === "b\0" ? 13 : text === "c\0" || (text === "e\0" && looksAtE++ === 0) ? 2 : 0;
        if (text === "f\0") rmSync(join(odd, "f"), { force: true });
        return failure === 0 ? statx(fd, path, flags, mask, out) : -1;
      },
      errno: () => (failure === 0 ? errno() : failure),
    });
    const bytesAt = (address: number, count: number): Uint8Array => {
      const at = address - (c as Libc).addressOf(failing.bytes);
      return failing.bytes.subarray(at, at + count);
    };
    const { batches } = scan(optionsOf(odd), failing);
    expect(namesOf({ batches, end: undefined })).toEqual(["", "a", "d", "e"]);
    expect(batches.flatMap(({ problems }) => problems)).toMatchObject([
      { path: latin1(join(odd, "b")), kind: "EACCES" },
      { path: latin1(join(odd, "c")), kind: "replaced" },
    ]);
  });

  it("leaves a directory of too many names, or one that it cannot list, to the scan record by record", () => {
    const large = join(root, "large");
    mkdirSync(large);
    execFileSync("sh", ["-c", "seq 1 33000 | xargs touch"], { cwd: large });
    expect(namesOf(both(optionsOf(large)))).toHaveLength(33_001);
    const { getdents } = c as Libc;
    let calls = 0;
    const stuttering = kernel({ getdents: (fd, out, length) => (++calls === 1 ? -1 : getdents(fd, out, length)) });
    const odd = optionsOf(join(root, "many"));
    expect(scan(odd, stuttering)).toEqual(scan(odd, undefined));
  });
});
