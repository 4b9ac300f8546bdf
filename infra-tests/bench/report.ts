import type { Measurement } from "./measure.ts";
import { phaseTitles } from "./phases.ts";
import type { BenchResults } from "./results.ts";
import { summarize } from "./statistics.ts";

const ours = "holdfast";

/** The fastest (or smallest) of some tools. */
export type Best = { readonly tool: string; readonly value: number };

/** Our median over the best peer's, or undefined when either is missing. */
export type Ratio = { readonly phase: string; readonly ours: number; readonly best: Best; readonly ratio: number };

/** Holdfast over the fastest peer for each phase, and over the smallest store, by medians. */
export function ratios(results: BenchResults): readonly Ratio[] {
  const rows: Ratio[] = [];
  const add = (phase: string, valuesOf: (tool: string) => readonly number[]) => {
    const mine = summarize(valuesOf(ours))?.median;
    let best: Best | undefined;
    for (const { name } of results.tools) {
      const value = name === ours ? undefined : summarize(valuesOf(name))?.median;
      if (value !== undefined && (best === undefined || value < best.value)) best = { tool: name, value };
    }
    if (mine !== undefined && best !== undefined) rows.push({ phase, ours: mine, best, ratio: mine / best.value });
  };
  for (const phase of results.phases) {
    add(phaseTitles[phase], (tool) =>
      results.samples.filter((one) => one.tool === tool && one.phase === phase).map((one) => one.wallSeconds),
    );
  }
  add("store size", (tool) => results.storeSizes.filter((one) => one.tool === tool).map((one) => one.afterFirstBytes));
  return rows;
}

/** The results as text for a terminal: one table per phase, the sizes, the ratios, the restores, the failures. */
export function report(results: BenchResults): string {
  const lines: string[] = [];
  const { machine, tree } = results;
  lines.push(
    `${tree.path}: ${tree.entries} entries, ${tree.files} files, ${mib(tree.sizeBytes)}; ${results.rounds} rounds`,
    `${machine.cpu}, ${machine.cores} cores, ${mib(machine.memoryBytes)}; kernel ${machine.kernel}; Node ${machine.node}`,
    ...results.tools.map(({ name, version, settings }) => `  ${name}: ${version} (${settings})`),
    "",
  );
  for (const phase of results.phases) {
    const ofPhase = results.samples.filter((one) => one.phase === phase);
    const rows = results.tools.flatMap(({ name }) => {
      const samples = ofPhase.filter((one) => one.tool === name);
      const wall = summarize(samples.map((one) => one.wallSeconds));
      if (wall === undefined) return [];
      return [
        {
          order: wall.median,
          cells: [
            name,
            wall.median.toFixed(2),
            `${wall.min.toFixed(2)}–${wall.max.toFixed(2)}`,
            ...cpuCells(samples),
            memoryCell(samples),
            noiseCell(samples),
          ],
        },
      ];
    });
    if (rows.length === 0) continue;
    rows.sort((a, b) => a.order - b.order);
    lines.push(
      ...table([
        [phaseTitles[phase], "median s", "min–max", "user s", "sys s", "peak RSS", "others' CPU"],
        ...rows.map(({ cells }) => cells),
      ]),
      "",
    );
  }
  const sizes = results.tools.flatMap(({ name }) => {
    const own = results.storeSizes.filter((one) => one.tool === name);
    const first = summarize(own.map((one) => one.afterFirstBytes));
    const last = summarize(own.map((one) => one.afterLastBytes));
    return first === undefined || last === undefined
      ? []
      : [{ order: first.median, cells: [name, decimal(first.median), decimal(last.median)] }];
  });
  if (sizes.length > 0) {
    sizes.sort((a, b) => a.order - b.order);
    lines.push(
      ...table([["store size", "after first backup", "after the last"], ...sizes.map(({ cells }) => cells)]),
      "",
    );
  }
  const compared = ratios(results);
  if (compared.length > 0) {
    lines.push(
      ...table([
        ["holdfast / best peer", "ratio", "best peer"],
        ...compared.map(({ phase, ratio, best }) => [phase, ratio.toFixed(2), best.tool]),
      ]),
      "",
    );
  }
  for (const { tool, by, contents, metadata, examples } of results.restores) {
    const rest = metadata === undefined ? "metadata not compared" : `${metadata} paths with other metadata`;
    lines.push(`restored by ${tool}, compared by ${by}: ${contents} paths with other contents, ${rest}`);
    lines.push(...examples.map((example) => `    ${example}`));
  }
  for (const { tool, round, phase, message } of results.failures) {
    lines.push(`!! ${tool} failed in round ${round} at ${phase}: ${message}`);
  }
  return `${lines.join("\n")}\n`;
}

function cpuCells(samples: readonly Measurement[]): readonly string[] {
  return [samples.map((one) => one.userSeconds), samples.map((one) => one.systemSeconds)].map(
    (values) => summarize(values.filter((value) => value !== undefined))?.median.toFixed(2) ?? "?",
  );
}

function memoryCell(samples: readonly Measurement[]): string {
  const peak = summarize(samples.map((one) => one.peakRssBytes).filter((value) => value !== undefined))?.max;
  return peak === undefined ? "?" : mib(peak);
}

/** The most CPU that others used during one of the samples, per second of it: 0 is a quiet machine. */
function noiseCell(samples: readonly Measurement[]): string {
  const shares = samples.flatMap((one) =>
    one.othersCpuSeconds === undefined ? [] : [one.othersCpuSeconds / one.wallSeconds],
  );
  const noise = summarize(shares)?.max;
  return noise === undefined ? "?" : `≤ ${noise.toFixed(2)}`;
}

function mib(bytes: number): string {
  return `${Math.round(bytes / 1048576)} MiB`;
}

function decimal(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Left-aligns the first column and right-aligns the others. */
function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
  return rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  "),
  );
}
