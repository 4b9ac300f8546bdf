import { expect, test } from "vitest";
import { ratios, report } from "./report.ts";
import type { BenchResults, Sample } from "./results.ts";

const sample = (tool: string, round: number, wallSeconds: number): Sample => ({
  tool,
  round,
  phase: "first",
  wallSeconds,
  userSeconds: wallSeconds,
  systemSeconds: 0.5,
  peakRssBytes: 100 * 1048576,
  othersCpuSeconds: 0.1,
  loadAverage: 1,
});

const results: BenchResults = {
  startedAt: "2026-01-01T00:00:00.000Z",
  machine: { cpu: "a cpu", cores: 2, memoryBytes: 1 << 30, kernel: "6", node: "v24" },
  tree: { path: "/tree", sizeBytes: 1000, files: 3, entries: 4 },
  rounds: 3,
  phases: ["first"],
  tools: ["holdfast", "restic", "borg"].map((name) => ({ name, version: "1", settings: "none" })),
  samples: [
    ...[3, 4, 90].map((seconds, i) => sample("holdfast", i, seconds)),
    ...[9, 10, 1].map((seconds, i) => sample("restic", i, seconds)),
    ...[8, 8, 8].map((seconds, i) => sample("borg", i, seconds)),
  ],
  storeSizes: [
    { tool: "holdfast", round: 1, afterFirstBytes: 80, afterLastBytes: 90 },
    { tool: "restic", round: 1, afterFirstBytes: 100, afterLastBytes: 110 },
    { tool: "borg", round: 1, afterFirstBytes: 200, afterLastBytes: 210 },
  ],
  restores: [{ tool: "borg", by: "rsync", contents: 0, metadata: 2, examples: [".d..t...... ./"] }],
  failures: [{ tool: "kopia", round: 1, phase: "check", message: "it broke" }],
};

test("ratios divide our median by that of the fastest peer, and our store by the smallest", () => {
  expect(ratios(results)).toEqual([
    { phase: "first backup", ours: 4, best: { tool: "borg", value: 8 }, ratio: 0.5 },
    { phase: "store size", ours: 80, best: { tool: "restic", value: 100 }, ratio: 0.8 },
  ]);
});

test("ratios are left out when holdfast or all peers are missing", () => {
  const without = results.samples.filter((one) => one.tool !== "holdfast");
  expect(ratios({ ...results, samples: without, storeSizes: [] })).toEqual([]);
  const alone = results.tools.filter((one) => one.name === "holdfast");
  expect(ratios({ ...results, tools: alone })).toEqual([]);
});

test("report lists the tools by median, and names every failure and every difference", () => {
  const text = report(results);
  const order = text.split("\n").filter((line) => /^(holdfast|restic|borg) .*–/.test(line));
  expect(order.map((line) => line.split(" ")[0])).toEqual(["holdfast", "borg", "restic"]);
  expect(text).toContain("!! kopia failed in round 1 at check: it broke");
  expect(text).toContain(".d..t...... ./");
});
