import { expect, test } from "vitest";
import { HoldfastError } from "#shared/errors.ts";
import { newProgress, type Progress } from "#shared/operations/progress.ts";
import { FakeTerminal } from "./fake-terminal.ts";
import { LiveRenderer } from "./live-renderer.ts";

/** A live view whose time stands still until `pass`. */
function makeView(columns = 80, color = false) {
  const terminal = new FakeTerminal(columns);
  let nowMs = 1_000_000;
  let tick: (() => void) | undefined;
  const renderer = new LiveRenderer({
    out: terminal,
    err: terminal,
    color,
    clock: { nowMs: () => nowMs, sleep: async () => {} },
    ticker: (intervalMs, callback) => {
      expect(intervalMs).toBeGreaterThanOrEqual(100);
      tick = callback;
      return () => (tick = undefined);
    },
  });
  const pass = (ms: number) => {
    nowMs += ms;
    tick?.();
  };
  return { terminal, renderer, pass, ticks: () => tick !== undefined };
}

function halfDone(): Progress {
  return Object.assign(newProgress("backup", "uploading"), {
    entriesDone: 500,
    entriesTotal: 1000,
    bytesDone: 2 ** 30,
    bytesTotal: 2 ** 31,
    bytesStored: 3 * 2 ** 20,
    currentPath: "/home/x/caf\xc3\xa9",
  });
}

test("the view shows bar, share, counters, speed, time left and path, in place", () => {
  const { terminal, renderer, pass } = makeView();
  const progress = halfDone();
  renderer.start(progress);
  pass(100);
  progress.bytesDone += 100 * 2 ** 20;
  pass(1000);
  expect(terminal.screen()).toEqual([
    `backup uploading ${"━".repeat(16)}${"─".repeat(14)}  54%`,
    "  500 / 1,000 entries · 1.10 GiB / 2.00 GiB · 92.4 MiB/s · 10 s left",
    "  stored 3.00 MiB  /home/x/café",
  ]);
  expect(terminal.cursorShown).toBe(false);
});

test("errors and notices stand above the view, in the order in which they came", () => {
  const { terminal, renderer, pass } = makeView();
  renderer.start(halfDone());
  renderer.entryError({ path: "/a\x1b[2J\xff", kind: "EACCES", message: "permission denied" });
  renderer.notice({ level: "warning", message: "the cache is gone" });
  pass(100);
  expect(terminal.screen().slice(0, 3)).toEqual([
    "error: /a\\x1b[2J\\xff: permission denied (EACCES)",
    "warning: the cache is gone",
    expect.stringMatching(/^backup uploading/),
  ]);
});

test("finish leaves the report, no view, and the cursor", () => {
  const { terminal, renderer, pass, ticks } = makeView();
  renderer.start(halfDone());
  pass(100);
  renderer.finish({
    operation: "backup",
    outcome: "ok",
    facts: { snapshot: "3f2a", entries: 78_579, bytesStored: 2 ** 20, durationMs: 3000, dryRun: false },
  });
  expect(terminal.screen()).toEqual([
    "backup: done",
    "  snapshot  3f2a",
    "  entries   78,579",
    "  stored    1.00 MiB",
    "  duration  3.0 s",
    "  dry run   no",
  ]);
  expect(terminal.cursorShown).toBe(true);
  expect(ticks()).toBe(false);
});

test("a failure leaves the message with its exit code and hint, pending errors, and the cursor", () => {
  const { terminal, renderer } = makeView();
  renderer.start(halfDone());
  renderer.entryError({ path: "/a", kind: "EIO", message: "input/output error" });
  renderer.failure(new HoldfastError("denied", "Cannot open the store: wrong passphrase", { hint: "Try again." }));
  expect(terminal.screen()).toEqual([
    "error: /a: input/output error (EIO)",
    "holdfast: Cannot open the store: wrong passphrase (denied, exit code 77)",
    "  hint: Try again.",
  ]);
  expect(terminal.cursorShown).toBe(true);
});

test("an item of the answer pushes the view down", () => {
  const { terminal, renderer, pass } = makeView();
  renderer.start(halfDone());
  renderer.result("entry", {}, "/etc/hosts");
  pass(100);
  expect(terminal.screen()[0]).toBe("/etc/hosts");
  expect(terminal.screen()).toHaveLength(4);
});

test.each([12, 20, 40, 200])("no line wraps on a terminal of %i columns", (columns) => {
  const { terminal, renderer, pass } = makeView(columns);
  const progress = halfDone();
  progress.currentPath = `/${"directory/".repeat(30)}\xe6\x97\xa5\xe6\x9c\xac`;
  renderer.start(progress);
  for (let step = 0; step < 5; step++) pass(100);
  expect(terminal.screen().length).toBeGreaterThan(0);
});

test("without totals the view shows what was done and how long it took", () => {
  const { terminal, renderer, pass } = makeView();
  const progress = newProgress("backup", "scanning");
  renderer.start(progress);
  progress.entriesDone = 12;
  pass(3000);
  expect(terminal.screen().slice(0, 2)).toEqual(["backup scanning", "  12 entries · 0 B · 0 B/s · 3.0 s"]);
});

test("colours are written only when they are wanted", () => {
  const plain = makeView(80, false);
  plain.renderer.start(halfDone());
  expect(plain.terminal.raw).not.toContain("\x1b[32m");
  const colored = makeView(80, true);
  colored.renderer.start(halfDone());
  expect(colored.terminal.raw).toContain("\x1b[32m");
});

test("a flood of errors is written as it comes, not kept", () => {
  const { terminal, renderer } = makeView();
  renderer.start(halfDone());
  for (let index = 0; index < 3000; index++)
    renderer.entryError({ path: `/file-${index}`, kind: "EIO", message: "no" });
  expect(terminal.screen().length).toBeGreaterThan(1500);
});
