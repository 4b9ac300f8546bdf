import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { Sandbox } from "./sandbox.ts";

// Names that are not UTF-8 on the command line: the program must not take another name for them.

const sandbox = new Sandbox();
afterAll(() => sandbox.remove());

/** Runs the program as a line of a shell says, in which $'\xff' is a byte. */
function shell(line: string) {
  const { status, stdout, stderr } = spawnSync("bash", ["-ec", `cd "$0"; ${line}`, ...words()], {
    env: sandbox.environment(),
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

const words = (): string[] => [sandbox.directory, ...sandbox.program];

test.each([
  ["the store", String.raw`"$@" at $'x\xff' create`, String.raw`"x\xff"`],
  ["a source", String.raw`"$@" at store backup $'source/w\xff/f'`, String.raw`"source/w\xff/f"`],
  ["a target", String.raw`"$@" at store restore latest --to=$'y\xff'`, String.raw`"--to=y\xff"`],
])("%s is refused", (_, line, shown) => {
  const { status, stdout, stderr } = shell(line);
  expect({ status, stdout }).toEqual({ status: 64, stdout: "" });
  expect(stderr).toContain(`Cannot use the argument ${shown}: it is not UTF-8 (usage, exit code 64)\n  hint: `);
  expect(readdirSync(sandbox.directory)).toEqual(["home"]);
});

test("a name that has U+FFFD in it is a name like another", () => {
  expect(shell(`"$@" at 'x\ufffd' create`).status).toBe(0);
  expect(existsSync(sandbox.path("x\ufffd", "config"))).toBe(true);
  mkdirSync(sandbox.path("d\ufffd"));
  expect(shell(`cd 'd\ufffd'; "$@" at '../x\ufffd' backup .`).status).toBe(0);
});

test("in a working directory whose name is not UTF-8 relative paths are refused, and others are not", () => {
  const inside = String.raw`mkdir -p $'cwd\xff'; cd $'cwd\xff'; store=$0/store; `;
  expect(shell(`${inside} "$@" at "$store" create`).status).toBe(0);
  for (const command of [`at "$store" backup .`, "at ../store ls", `at "$store" restore latest --to out`]) {
    const { status, stderr } = shell(`${inside} "$@" ${command}`);
    expect({ command, status }).toEqual({ command, status: 64 });
    expect(stderr).toContain(String.raw`/cwd\xff: the directory's name is not UTF-8`);
  }
  expect(shell(`${inside} "$@" at "$store" backup "$0/home"`).status).toBe(0);
});

test("in a working directory that was removed relative paths are absent", () => {
  const { status, stderr } = shell(`mkdir gone; cd gone; rmdir ../gone; "$@" at "$0/store" restore latest --to out`);
  expect(status).toBe(66);
  expect(stderr).toContain("Cannot use out: the working directory is no longer there");
});
