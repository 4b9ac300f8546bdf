import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, cp, mkdir, mkdtemp, readdir, rename, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
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

/** A process that opens a directory store as `store` and runs `code`. */
function storeProcess(root: string, code: string) {
  const module = new URL("directory-store.ts", import.meta.url).href;
  const script = `import { directoryStore } from ${JSON.stringify(module)};
    const store = directoryStore(${JSON.stringify(root)}); ${code}`;
  return spawn(process.execPath, ["--input-type=module", "--eval", script], { stdio: ["pipe", "pipe", "inherit"] });
}

async function keysOf(objects: AsyncIterable<{ readonly key: string }>): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of objects) keys.push(key);
  return keys;
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

  it("goes by what is in its root where a file system numbers directories anew", async () => {
    const [path, away] = [join(root, "store"), join(root, "away")];
    const store = directoryStore(path);
    await store.put("config", [Uint8Array.of(1)]);
    await rename(path, away);
    await cp(away, path, { recursive: true });
    await store.put("packs/ab/x", [Uint8Array.of(1)]);
    expect(await kindOf(store.get("packs/ab/y"))).toBe("absent");
    expect(await keysOf(store.list(""))).toEqual(["config", "packs/ab/x"]);
  });

  it("does not make its root anew when that is taken away, and calls nothing absent that was there", async () => {
    const [path, away] = [join(root, "store"), join(root, "away")];
    const store = directoryStore(path);
    await store.put("config", [Uint8Array.of(1)]);
    const every = async (): Promise<string[]> => [
      await kindOf(store.put("packs/ab/x", [Uint8Array.of(1)])),
      await kindOf(store.put("config", [Uint8Array.of(1)])),
      await kindOf(store.get("config")),
      await kindOf(store.head("config")),
      await kindOf(keysOf(store.list(""))),
      await kindOf(store.delete("config")),
    ];
    await rename(path, away);
    expect(await every()).toEqual(Array.from({ length: 6 }, () => "unavailable"));
    expect(await readdir(root)).toEqual(["away"]);
    await mkdir(path); // as a mount point that is empty again
    expect(await every()).toEqual(Array.from({ length: 6 }, () => "unavailable"));
    await rm(path, { recursive: true });
    await rename(away, path);
    expect(await every()).toEqual(["no error", "conflict", "no error", "no error", "no error", "no error"]);
  });

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

  it("lets exactly one of several racing processes create each name", async () => {
    // Each process says that it is ready, waits for the start, and tries to create the same 100 names at once.
    const racers = Array.from({ length: 6 }, (_, racer) =>
      storeProcess(
        root,
        `process.stdout.write("!"); await new Promise((resolve) => process.stdin.once("data", resolve));
        const body = [Buffer.alloc(5000, ${racer})];
        const won = await Promise.all(Array.from({ length: 100 }, (_, index) =>
          store.put("log/" + index, body).then(() => index, (error) => (error.kind === "conflict" ? -1 : -2))));
        process.stdout.write(JSON.stringify(won)); process.stdin.destroy();`,
      ),
    );
    const outputs = racers.map(() => "");
    racers.forEach((racer, index) => racer.stdout.on("data", (chunk: Buffer) => (outputs[index] += chunk.toString())));
    await Promise.all(racers.map((racer) => once(racer.stdout, "data")));
    for (const racer of racers) racer.stdin.end("go");
    await Promise.all(racers.map((racer) => once(racer, "close")));
    const winners = new Map<number, number>();
    for (const [racer, output] of outputs.entries()) {
      const won: number[] = JSON.parse(output.slice(1));
      for (const index of won) {
        expect(index).not.toBe(-2);
        if (index < 0) continue;
        expect(winners.has(index)).toBe(false);
        winners.set(index, racer);
      }
    }
    expect(winners.size).toBe(100);
    const store = directoryStore(root);
    for (const [index, racer] of winners) {
      const bytes = await store.get(`log/${index}`);
      expect(bytes.byteLength === 5000 && bytes.every((byte) => byte === racer)).toBe(true);
    }
  });

  it("shows whole objects only, and those that a put has returned for, when its process is killed at any moment", async () => {
    for (let round = 0; round < 4; round++) {
      const child = storeProcess(
        root,
        `for (let index = 0; ; index++) {
          await Promise.all(["a", "b", "c"].map(async (name) => {
            await store.put("packs/" + name + "/${round}-" + index, [Buffer.alloc(200_000, index), Buffer.alloc(200_000, index)]);
            process.stdout.write(name + "/${round}-" + index + "\\n");
          }));
        }`,
      );
      let output = "";
      child.stdout.on("data", (chunk: Buffer) => {
        output += chunk.toString();
        if (output.length > 30 + round * 37) child.kill("SIGKILL");
      });
      await once(child, "close");
      const store = directoryStore(root);
      const there = new Set<string>();
      for await (const { key, sizeBytes } of store.list("packs/")) {
        there.add(key);
        expect(sizeBytes).toBe(400_000);
        const bytes = await store.get(key);
        expect(Buffer.compare(bytes, Buffer.alloc(400_000, bytes[0]))).toBe(0);
      }
      for (const line of output.split("\n").slice(0, -1)) expect(there.has(`packs/${line}`)).toBe(true);
    }
  });

  it.skipIf(process.getuid?.() === 0)("says denied where the directory may not be written", async () => {
    await chmod(root, 0o500);
    expect(await kindOf(directoryStore(root).put("x", []))).toBe("denied");
    await chmod(root, 0o700);
  });
});
