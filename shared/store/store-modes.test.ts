import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { directoryStore } from "./directory-store.ts";

let parent: string;
let root: string;
let umask: number;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "holdfast-modes-"));
  root = join(parent, "store");
  umask = process.umask(0o022);
});
afterEach(() => {
  process.umask(umask);
  rmSync(parent, { recursive: true });
});

/** The modes of all that is below the root, by kind. */
function modesBelow(): { files: string[]; directories: string[] } {
  const found = { files: new Set<string>(), directories: new Set<string>() };
  for (const name of readdirSync(root, { recursive: true, encoding: "utf8" })) {
    const status = statSync(join(root, name));
    found[status.isDirectory() ? "directories" : "files"].add((status.mode & 0o7777).toString(8));
  }
  return { files: [...found.files], directories: [...found.directories] };
}

async function write(...keys: readonly string[]): Promise<void> {
  const store = directoryStore(root, { hasReserve: true });
  for (const key of keys) await store.put(key, [Uint8Array.of(1)]);
  await store.close();
}

describe("a directory store", () => {
  it("is its user's alone where it made its directory, or others may only read that", async () => {
    await write("config", "packs/ab/x");
    expect(modesBelow()).toEqual({ files: ["600"], directories: ["700"] });
    chmodSync(root, 0o755);
    await write("log/1");
    expect(modesBelow()).toEqual({ files: ["600"], directories: ["700"] });
  });

  it("is shared with the group that may write to its directory, whatever the umask, and never with others", async () => {
    mkdirSync(root);
    chmodSync(root, 0o777);
    await write("config", "packs/ab/x", "log/1");
    expect(modesBelow()).toEqual({ files: ["660"], directories: ["770"] });
  });

  it("goes by its config where the store was shared later, and gives no more than that has", async () => {
    await write("config");
    chmodSync(join(root, "config"), 0o640);
    await write("log/1");
    expect((statSync(join(root, "log/1")).mode & 0o777).toString(8)).toBe("640");
    expect((statSync(join(root, "log")).mode & 0o777).toString(8)).toBe("750");
  });

  it.runIf(process.getuid?.() === 0)("keeps the group of a setgid directory, at every depth", async () => {
    mkdirSync(root);
    chownSync(root, 0, 4321);
    chmodSync(root, 0o2770);
    await write("config", "packs/ab/x");
    expect(modesBelow()).toEqual({ files: ["660"], directories: ["2770"] });
    for (const name of ["config", "packs", "packs/ab", "packs/ab/x"]) expect(statSync(join(root, name)).gid).toBe(4321);
  });
});
