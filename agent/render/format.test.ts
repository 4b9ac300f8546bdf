import { expect, test } from "vitest";
import { snapshotLine, snapshotRecord } from "./describe-snapshot.ts";
import { displayWidth } from "./display-width.ts";
import { formatBytes } from "./format-bytes.ts";
import { formatCount } from "./format-count.ts";
import { formatDuration } from "./format-duration.ts";
import { formatSeconds, formatTime } from "./format-time.ts";
import { RateMeter } from "./rate-meter.ts";
import { shortenPath } from "./shorten-path.ts";

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "0.98 KiB"],
  [1024, "1.00 KiB"],
  [1_400_000_000, "1.30 GiB"],
  [222_500_000, "212 MiB"],
  [2 ** 30 - 1, "1.00 GiB"],
])("formatBytes of %i is %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test.each([
  [0, "0"],
  [999, "999"],
  [1_234_567, "1,234,567"],
])("formatCount of %i is %s", (count, text) => expect(formatCount(count)).toBe(text));

test.each([
  [420, "0.4 s"],
  [9960, "10 s"],
  [59_400, "59 s"],
  [187_000, "3:07"],
  [7_387_000, "2:03:07"],
  [356_400_000, "4 d 03:00"],
])("formatDuration of %i ms is %s", (ms, text) => expect(formatDuration(ms)).toBe(text));

test("formatTime names the offset of the zone, so that it is one moment", () => {
  const shown = formatTime(Date.UTC(2026, 10, 20, 4, 41, 7));
  expect(shown).toMatch(/^2026-11-\d\d \d\d:\d\d:07 [+-]\d\d:\d\d$/);
  expect(Date.parse(shown.replace(" ", "T").replace(" ", ""))).toBe(Date.UTC(2026, 10, 20, 4, 41, 7));
});

test.each([
  [8_640_000_000_001, /^\+275760-09-13 00:00:01 \+00:00$/],
  [-(2 ** 50), /^-35676378-04-08 05:02:56 \+00:00$/],
  [253_402_500_000, /^\+010000-01-0\d \d\d:\d\d:00 [+-]\d\d:\d\d$/],
])("formatSeconds of %i, which a filesystem may keep, is a date", (seconds, text) => {
  expect(formatSeconds(seconds)).toMatch(text);
});

test("snapshots of any time are listed", () => {
  const counts = { sizeBytes: 0, entries: 1, errors: 0, lostPaths: 0, repaired: false };
  const named = { id: "ab".repeat(32), host: "h", name: "n", tags: [], paths: ["/a"] };
  const snapshot = { ...counts, ...named, timeMs: Number.MAX_SAFE_INTEGER, durationMs: 0 };
  expect(snapshotLine(snapshot)).toContain("+287396-10-12 ");
  expect(snapshotRecord(snapshot)).toMatchObject({ time: "+287396-10-12T08:59:00.991Z" });
});

test("shortenPath keeps the name longest and never exceeds the width", () => {
  expect(shortenPath("/short", 10)).toBe("/short");
  expect(shortenPath("/usr/src/linux/drivers/gpu/drm/amd.c", 20)).toBe(
    "/usr/s…/gpu/drm/amd.c".slice(0, 6) + "…gpu/drm/amd.c".slice(0, 14),
  );
  for (let columns = 0; columns < 40; columns++) {
    expect(displayWidth(shortenPath("/日本語/日本語日本語/日本語日本語日本語.txt", columns))).toBeLessThanOrEqual(
      columns,
    );
  }
});

test("displayWidth counts wide characters twice and marks not at all", () => {
  expect([displayWidth("abc"), displayWidth("日本"), displayWidth("🎉"), displayWidth("e\u0301")]).toEqual([
    3, 4, 2, 1,
  ]);
});

test("RateMeter knows nothing at first and comes close to a steady speed", () => {
  const meter = new RateMeter();
  expect(meter.observe(0, 0)).toBeUndefined();
  let speed: number | undefined;
  for (let step = 1; step <= 100; step++) speed = meter.observe(step * 1000, step * 100);
  expect(speed).toBeCloseTo(10_000, 0);
});
