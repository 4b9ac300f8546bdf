import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { Sandbox } from "./sandbox.ts";

// What is typed after `backup`, as a person types it.

const sandbox = new Sandbox();
const at = ["at", sandbox.path("store")];
const source = sandbox.path("source");
const mounted: string[] = [];

afterAll(() => sandbox.remove());
beforeAll(async () => {
  await sandbox.do([...at, "create", "--plaintext"]);
});
beforeEach(() => mkdirSync(source));
afterEach(() => {
  for (const path of mounted.splice(0)) spawnSync("umount", [path]);
  rmSync(source, { recursive: true });
});

const backup = (...args: string[]) => sandbox.run([...at, "backup", ...args], { cwd: source });
const listed = () => sandbox.do([...at, "ls", "-r", "latest"]);

function write(name: string, content: string): void {
  mkdirSync(`${source}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
  writeFileSync(`${source}/${name}`, content);
}

test(".. after a link means the same to backup and restore as it does to the kernel", async () => {
  write("deep/other/f", "RIGHT");
  write("other/f", "WRONG");
  mkdirSync(`${source}/deep/dir`);
  symlinkSync("deep/dir", `${source}/link`);
  expect(await backup("link/../other")).toMatchObject({ status: 0 });
  const path = `${source}/deep/other`;
  await sandbox.do([...at, "restore", `latest:${path}`, "--to", `${source}/link/../new`]);
  expect(readFileSync(`${source}/deep/new/f`, "utf8")).toBe("RIGHT");
});

test("a slash, or a slash and a dot, behind a link follow it", async () => {
  write("real/f", "x");
  symlinkSync("real", `${source}/link`);
  for (const typed of ["link/", "link/.", `${source}/link/`]) {
    expect(await backup(typed)).toMatchObject({ status: 0 });
    expect(await listed()).toContain(`${source}/link/f\n`);
  }
});

test("a pipe given as a PATH is refused, by any of its names, with a hint that names --stdin", async () => {
  spawnSync("mkfifo", [`${source}/fifo`]);
  const piped = (path: string) =>
    sandbox.run([...at, "backup", path], { cwd: source, by: ["bash", "-c", 'echo content | "$@"', "bash"] });
  for (const path of ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0", "/dev/fd/63", "fifo"]) {
    const ended = await piped(path);
    expect(ended, path).toMatchObject({
      status: 64,
      stderr: expect.stringMatching(/hint: .*--stdin --stdin-filename/),
    });
  }
});

test("one PATH that is missing does not keep the others from being backed up", async () => {
  write("a", "1");
  expect(await backup("gone", "a")).toMatchObject({ status: 3, stderr: expect.stringContaining(`${source}/gone`) });
  expect(await listed()).toContain(`${source}/a\n`);
  expect(await backup("gone", "also gone")).toMatchObject({ status: 66 });
});

test("the store is not backed up into itself where a bind mount shows it, or a part of it", async (context) => {
  write("a", "1");
  mkdirSync(`${source}/inner`);
  for (const shown of ["store", "store/packs"]) {
    if (spawnSync("mount", ["--bind", sandbox.path(shown), `${source}/inner`]).status !== 0) {
      process.stderr.write("SKIPPED: nothing can be mounted here\n");
      context.skip();
    }
    mounted.push(`${source}/inner`);
    expect(await backup(".")).toMatchObject({ status: 0 });
    expect((await listed()).trim().split("\n").slice(-2)).toEqual([`${source}/`, `${source}/a`]);
    expect(await backup("inner")).toMatchObject({ status: 64, stderr: expect.stringMatching(/is the store/) });
    spawnSync("umount", [`${source}/inner`]);
  }
});

test("an absolute pattern leaves out what it names, and one that matches nothing is told", async () => {
  write("cache/x", "1");
  write("a/cache/y", "2");
  write("patterns", "\ufeff*.o\nnowhere\n");
  write("b.o", "3");
  const ended = await backup("--exclude", `${source}/cache`, "--exclude-file", "patterns", ".");
  expect(ended).toMatchObject({ status: 0, stderr: expect.stringContaining("matched nothing: nowhere.") });
  const names = await listed();
  expect(names).toContain("a/cache/y");
  expect(names).not.toMatch(/cache\/x|b\.o/);
  write("patterns", "*.o\n[ab\n");
  expect(await backup("--exclude-file", "patterns", ".")).toMatchObject({
    status: 64,
    stderr: expect.stringMatching(/line 2 of patterns/),
  });
});
