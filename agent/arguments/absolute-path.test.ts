import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { absolutePath } from "./absolute-path.ts";

let directory: string;
beforeAll(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-path-")));
  mkdirSync(join(directory, "deep/dir"), { recursive: true });
  symlinkSync("deep/dir", join(directory, "link"));
  symlinkSync("link", join(directory, "second link"));
  symlinkSync("nowhere", join(directory, "dangling"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("absolutePath", () => {
  it("takes .. after a symlink for the directory above what the link leads to, as the kernel does", () => {
    expect(absolutePath(`${directory}/link/../other`)).toBe(`${directory}/deep/other`);
    expect(absolutePath(`${directory}/link/..`)).toBe(`${directory}/deep`);
    expect(absolutePath(`${directory}/second link/./../../x`)).toBe(`${directory}/x`);
    expect(absolutePath(`${directory}/link/sub/../..`)).toBe(`${directory}/deep`);
  });

  it("keeps links that no .. follows", () => {
    expect(absolutePath(`${directory}/link/x`)).toBe(`${directory}/link/x`);
    expect(absolutePath(`${directory}/link/x/../y`)).toBe(`${directory}/link/y`);
    expect(absolutePath(`${directory}/link/`)).toBe(`${directory}/link`);
  });

  it("drops empty parts and dots, and stops at the root", () => {
    expect(absolutePath("/")).toBe("/");
    expect(absolutePath("//a///./b/")).toBe("/a/b");
    expect(absolutePath("/../..")).toBe("/");
    expect(absolutePath("/new/../x")).toBe("/x");
    expect(absolutePath("x/y")).toBe(`${process.cwd()}/x/y`);
    expect(absolutePath(".")).toBe(process.cwd());
  });

  it("refuses .. after a link that leads nowhere", () => {
    expect(() => absolutePath(`${directory}/dangling/../x`)).toThrow(/leads nowhere/);
  });
});
