import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { disableLibc } from "./libc.ts";
import { listDirectory } from "./list-directory.ts";

const root = mkdtempSync(join(tmpdir(), "holdfast-list-"));
afterAll(() => rmSync(root, { recursive: true }));
afterEach(() => disableLibc(false));

const bytes = `${root}/bytes`;
mkdirSync(bytes);
const names = ["...", "..x", ".hidden", "a", "a b", "b\n", "x".repeat(255), "\xff".repeat(255), "\x80", "A", "é"];
for (let length = 1; length < 40; length++) names.push("n".repeat(length));
for (const name of names) writeFileSync(Buffer.from(`${bytes}/${name}`, "latin1"), "");
mkdirSync(`${root}/many`);
for (let i = 0; i < 12_000; i++) writeFileSync(`${root}/many/${(i * 7919) % 12_000}-with-a-longer-name`, "");
mkdirSync(`${root}/empty`);
symlinkSync("bytes", `${root}/link`);

describe.runIf(process.platform === "linux").each([false, true])("listDirectory, libc switched off: %s", (off) => {
  test("gives every name as bytes, sorted by byte", () => {
    disableLibc(off);
    expect(listDirectory(bytes)).toEqual([...new Set(names)].sort());
    expect(listDirectory(`${root}/empty`)).toEqual([]);
  });

  test("gives a directory that takes several readings whole", () => {
    disableLibc(off);
    const listed = listDirectory(`${root}/many`);
    expect(listed).toEqual(readdirSync(`${root}/many`).sort());
    expect(listed).toHaveLength(12_000);
  });

  test("does not go through a symlink, and says what is wrong", () => {
    disableLibc(off);
    expect(() => listDirectory(`${root}/link`)).toThrow(expect.objectContaining({ name: "HoldfastError" }));
    expect(() => listDirectory(`${root}/absent`)).toThrow(expect.objectContaining({ kind: "absent" }));
    const open = readdirSync("/proc/self/fd").length;
    expect(() => listDirectory(`${bytes}/a`)).toThrow(expect.objectContaining({ kind: "absent" }));
    expect(readdirSync("/proc/self/fd")).toHaveLength(open);
  });
});
