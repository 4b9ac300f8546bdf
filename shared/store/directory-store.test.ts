import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isHoldfastError } from "#shared/errors.ts";
import { directoryStore } from "./directory-store.ts";
import { storeConformance } from "./store.conformance.ts";

async function temporaryDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), "holdfast-directory-store-"));
}

for (const durability of ["synced", "unsynced"] as const) {
  storeConformance(
    `directoryStore (${durability})`,
    async () => {
      const parent = await temporaryDirectory();
      const root = join(parent, "not", "yet");
      await mkdir(root, { recursive: true });
      const store = directoryStore(root, { durability });
      return { store, other: directoryStore(`${root}/`), dispose: () => rm(parent, { recursive: true }) };
    },
    {
      missing: async () => {
        const parent = await temporaryDirectory();
        return { store: directoryStore(join(parent, "missing")), dispose: () => rm(parent, { recursive: true }) };
      },
    },
  );
}

const kindOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "no error",
    (error: unknown) => (isHoldfastError(error) ? error.kind : String(error)),
  );

describe("directoryStore", () => {
  let root = "";
  beforeEach(async () => {
    root = await temporaryDirectory();
  });
  afterEach(() => rm(root, { recursive: true }));

  it("creates its root on the first put, with directories 0700 and files 0600", async () => {
    const store = directoryStore(join(root, "a", "b"));
    await store.put("packs/ab/x", [Uint8Array.of(1)]);
    const modes = await Promise.all(["a", "a/b", "a/b/packs", "a/b/packs/ab"].map((path) => stat(join(root, path))));
    expect(modes.map(({ mode }) => mode & 0o777)).toEqual([0o700, 0o700, 0o700, 0o700]);
    expect((await stat(join(root, "a/b/packs/ab/x"))).mode & 0o777).toBe(0o600);
  });

  it("leaves nothing in tmp/, whether a put succeeds, meets a conflict or is refused", async () => {
    const store = directoryStore(root);
    await store.put("x", [Uint8Array.of(1)]);
    expect(await kindOf(store.put("x", [Uint8Array.of(2)]))).toBe("conflict");
    expect(await kindOf(store.put("y", [Uint8Array.of(2)], { sha256: new Uint8Array(32) }))).toBe("corrupt");
    expect(await kindOf(store.put("x/y", [Uint8Array.of(2)]))).toBe("invalid");
    expect(await readdir(join(root, "tmp"))).toEqual([]);
  });

  it("does not list, and does not mistake for objects, what is none", async () => {
    const store = directoryStore(root);
    await store.put("packs/a", [Uint8Array.of(1)]);
    await mkdir(join(root, "lost+found"));
    await writeFile(join(root, "tmp", "unfinished"), "x");
    await writeFile(join(root, "packs", "with space"), "x");
    await symlink("nowhere", join(root, "packs", "dangling"));
    const keys: string[] = [];
    for await (const { key } of store.list("")) keys.push(key);
    expect(keys).toEqual(["packs/a"]);
    expect(await kindOf(store.put("packs", []))).toBe("invalid");
  });

  it("recovers when someone removes its folders behind its back", async () => {
    const store = directoryStore(root);
    await store.put("packs/ab/x", [Uint8Array.of(1)]);
    await rm(join(root, "packs"), { recursive: true });
    await rm(join(root, "tmp"), { recursive: true });
    await store.put("packs/ab/x", [Uint8Array.of(2)]);
    expect([...(await store.get("packs/ab/x"))]).toEqual([2]);
  });

  it("removes what crashed writers left in tmp/ a week ago, and nothing younger", async () => {
    await mkdir(join(root, "tmp"));
    await writeFile(join(root, "tmp", "old"), "x");
    await writeFile(join(root, "tmp", "young"), "x");
    const eightDaysAgo = Date.now() / 1000 - 8 * 24 * 3600;
    await utimes(join(root, "tmp", "old"), eightDaysAgo, eightDaysAgo);
    await directoryStore(root).put("x", []);
    expect(await readdir(join(root, "tmp"))).toEqual(["young"]);
  });

  it.skipIf(process.getuid?.() === 0)("says denied where the directory may not be written", async () => {
    await chmod(root, 0o500);
    expect(await kindOf(directoryStore(root).put("x", []))).toBe("denied");
    await chmod(root, 0o700);
  });
});
