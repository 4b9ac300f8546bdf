import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { makeSmallFiles } from "./make-small-files.ts";
import { phases } from "./phases.ts";
import { runBench } from "./run-bench.ts";
import type { Tool } from "./tool.ts";

const scratch = mkdtempSync(join(tmpdir(), "run-bench-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A "backup program" that is cp: its store is one more copy of the tree for each backup. */
const copier: Tool = {
  name: "copier",
  programs: ["cp"],
  settings: "none",
  version: (program) => ({ program, args: ["--version"] }),
  environment: () => ({}),
  prepare: ({ store }) => [{ program: "mkdir", args: [store] }],
  backup: ({ program, tree, store }, phase) => ({ program, args: ["-a", tree, join(store, phase)] }),
  restore: ({ program, store, target }, newest) => ({ program, args: ["-a", `${join(store, newest)}/.`, target] }),
  restoredTree: ({ target }) => target,
  check: ({ store }) => ({ program: "ls", args: [join(store, "first"), join(store, "changed")] }),
};

const breaker: Tool = { ...copier, name: "breaker", backup: () => ({ program: "false", args: [] }) };

test("runBench times every phase of every round, compares the restore, and leaves the tree as it was", async () => {
  const tree = join(scratch, "tree");
  makeSmallFiles({ directory: tree, files: 5, perDirectory: Infinity, seed: 1 });
  const big = join(tree, "big");
  writeFileSync(big, "x".repeat(2000));
  mkdirSync(join(scratch, "work"));
  const results = await runBench({
    directory: tree,
    tree,
    work: join(scratch, "work"),
    restoreTo: join(scratch, "restored"),
    rounds: 2,
    phases,
    tools: [copier, breaker].map((tool) => ({ tool, program: "cp" })),
    path: process.env["PATH"] ?? "",
    gnuTime: undefined,
    waitMs: 0,
    say: () => {},
  });
  const ran = results.samples.map(({ tool, round, phase }) => `${tool} ${round} ${phase}`);
  expect(ran).toEqual([1, 2].flatMap((round) => phases.map((phase) => `copier ${round} ${phase}`)));
  expect(results.restores).toMatchObject([{ tool: "copier", contents: 0 }]);
  expect(results.failures.map(({ tool, phase }) => `${tool} ${phase}`)).toEqual(["breaker first", "breaker first"]);
  expect(readFileSync(big, "utf8")).toBe("x".repeat(2000));
  // Three backups lie in the store, the last with one line more.
  const [first] = results.storeSizes;
  expect(first?.afterLastBytes).toBe(3 * (first?.afterFirstBytes ?? 0) + "one more line\n".length);
  expect(readdirSync(join(scratch, "work"))).toEqual([]);
});

const leaver: Tool = {
  ...copier,
  name: "leaver",
  // It leaves a process behind that has not ended when the next one begins, unless that is waited for.
  backup: ({ tree, store }, phase) => ({
    program: "sh",
    args: ["-c", `cp -a "$0" "$1/${phase}"; (sleep 1; : > "$1/ended") > /dev/null 2>&1 &`, tree, store],
  }),
};

test.runIf(existsSync("/proc/self/environ"))(
  "runBench waits for what a tool leaves running before the next one has its turn",
  async () => {
    const tree = join(scratch, "tree-of-leaver");
    makeSmallFiles({ directory: tree, files: 5, perDirectory: Infinity, seed: 1 });
    mkdirSync(join(scratch, "work-of-leaver"));
    let others = "";
    const watcher: Tool = {
      ...copier,
      name: "watcher",
      backup(place, phase) {
        const stores = join(place.store, "..", "..", "leaver", "store");
        others = readdirSync(stores).join();
        return copier.backup(place, phase);
      },
    };
    const { failures } = await runBench({
      directory: tree,
      tree,
      work: join(scratch, "work-of-leaver"),
      restoreTo: join(scratch, "restored"),
      rounds: 1,
      phases: ["first"],
      tools: [leaver, watcher].map((tool) => ({ tool, program: "cp" })),
      path: process.env["PATH"] ?? "",
      gnuTime: undefined,
      waitMs: 0,
      say: () => {},
    });
    expect(failures).toEqual([]);
    expect(others).toContain("ended");
  },
);
