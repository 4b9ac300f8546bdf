import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { systemRandom } from "#shared/random.ts";
import { fileSystemNowMs, removeAbandonedFiles } from "./abandoned-files.ts";

const hourMs = 3_600_000;
const dirs: string[] = [];
afterEach(() => {
  vi.useRealTimers();
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

test.each([8 * 24 * hourMs, -8 * 24 * hourMs])(
  "files are abandoned by the clock of the file system, though this machine's is wrong by %i ms",
  async (wrongByMs) => {
    const directory = mkdtempSync(join(tmpdir(), "holdfast-abandoned-"));
    dirs.push(directory);
    const nowMs = (await fileSystemNowMs(directory, systemRandom)) ?? expect.fail("no clock");
    for (const [name, ageMs] of [
      ["old", 2 * hourMs],
      ["young", hourMs / 2],
    ] as const) {
      writeFileSync(join(directory, name), "x");
      utimesSync(join(directory, name), new Date(nowMs - ageMs), new Date(nowMs - ageMs));
    }
    vi.useFakeTimers({ now: Date.now() + wrongByMs, toFake: ["Date"] });
    await removeAbandonedFiles(directory, { ageMs: hourMs, random: systemRandom });
    expect(readdirSync(directory)).toEqual(["young"]);
  },
);

test("the clock of a directory that cannot be written to is not told, and nothing is left behind", async () => {
  expect(await fileSystemNowMs(join(tmpdir(), "holdfast-not-there"), systemRandom)).toBeUndefined();
});
