import { constants } from "node:os";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import { fidelity } from "./fidelity.ts";
import { disableLibc, libc, libcMissing } from "./libc.ts";

afterEach(() => {
  disableLibc(false);
});

describe.runIf(process.platform === "linux")("libc on Linux", () => {
  test("calls and reports errno", () => {
    const c = libc();
    expect(c).toBeDefined();
    expect(c?.close(1_000_000)).toBe(-1);
    expect(c?.errno()).toBe(constants.errno.EBADF);
    expect(fidelity()).toMatchObject({ whole: true, lost: [] });
  });

  test("refuses what C would cut short: a NUL, and a path or name that does not fit", () => {
    const c = libc();
    expect(() => c?.putPath("a\0b")).toThrow(expect.objectContaining({ kind: "invalid" }));
    expect(() => c?.putPath("a".repeat(4096))).toThrow(expect.objectContaining({ kind: "invalid" }));
    expect(() => c?.putName("a".repeat(600))).toThrow(expect.objectContaining({ kind: "invalid" }));
    expect(c?.putPath("a".repeat(4095))).toBeTypeOf("number");
  });

  test("works in several threads at once", async () => {
    const code = `
      import { parentPort } from "node:worker_threads";
      import { statPath } from ${JSON.stringify(new URL("stat-path.ts", import.meta.url).href)};
      import { libc } from ${JSON.stringify(new URL("libc.ts", import.meta.url).href)};
      let types = "";
      for (let i = 0; i < 2000; i++) types = statPath(i % 2 === 0 ? "/etc/passwd" : "/etc").type;
      parentPort.postMessage([libc() !== undefined, types]);`;
    const answers = [1, 2, 3].map(
      () =>
        new Promise((resolve, reject) => {
          const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
          worker.once("message", resolve).once("error", reject);
        }),
    );
    expect(await Promise.all(answers)).toEqual([1, 2, 3].map(() => [true, "directory"]));
  });
});

test("where libc is not reached, fidelity tells what is lost", () => {
  disableLibc(true);
  expect(libc()).toBeUndefined();
  expect(libcMissing()).toBe("it is switched off");
  const told = fidelity();
  expect(told.whole).toBe(false);
  expect(told.lost.join(" ")).toMatch(/ACLs.*chattr.*sparse.*FIFOs.*nanosecond/);
});
