/** A line of two texts: in both, or in one only. Numbers count from 1. */
export type DiffLine = {
  readonly kind: "same" | "removed" | "added";
  readonly left: number | undefined;
  readonly right: number | undefined;
  readonly text: string;
};

/** Differences beyond which the middle of two texts counts as replaced: finding the least would take too long. */
const differencesMax = 3000;

/**
 * The lines of two texts, with the fewest removed and added.
 *
 * @see Myers, "An O(ND) Difference Algorithm and Its Variations"
 */
export function diffLines(left: string, right: string): DiffLine[] {
  const a = linesOf(left);
  const b = linesOf(right);
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const found: DiffLine[] = [];
  const same = (i: number, j: number): void =>
    void found.push({ kind: "same", left: i + 1, right: j + 1, text: a[i] ?? "" });
  for (let at = 0; at < start; at++) same(at, at);
  for (const step of middle(a.slice(start, a.length - end), b.slice(start, b.length - end))) {
    if (step.kind === "same") same(start + step.i, start + step.j);
    else if (step.kind === "removed") {
      found.push({ kind: "removed", left: start + step.i + 1, right: undefined, text: a[start + step.i] ?? "" });
    } else found.push({ kind: "added", left: undefined, right: start + step.j + 1, text: b[start + step.j] ?? "" });
  }
  for (let at = end; at > 0; at--) same(a.length - at, b.length - at);
  return found;
}

type Step = { readonly kind: DiffLine["kind"]; readonly i: number; readonly j: number };

function middle(a: readonly string[], b: readonly string[]): Step[] {
  const traces: Int32Array[] = [];
  const offset = Math.min(a.length + b.length, differencesMax) + 1;
  const reached = new Int32Array(2 * offset + 1);
  for (let d = 0; d <= a.length + b.length; d++) {
    if (d > differencesMax) return replaced(a, b);
    traces.push(reached.slice(offset - d, offset + d + 1));
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && at(reached, offset + k - 1) < at(reached, offset + k + 1));
      let i = down ? at(reached, offset + k + 1) : at(reached, offset + k - 1) + 1;
      while (i < a.length && i - k < b.length && a[i] === b[i - k]) i++;
      reached[offset + k] = i;
      if (i >= a.length && i - k >= b.length) return walkBack(a, b, traces);
    }
  }
  return [];
}

/** @param traces - of each number of differences d, what was reached before on the diagonals −d to d */
function walkBack(a: readonly string[], b: readonly string[], traces: readonly Int32Array[]): Step[] {
  const steps: Step[] = [];
  let i = a.length;
  let j = b.length;
  for (let d = traces.length - 1; d >= 0; d--) {
    const before = traces[d] ?? new Int32Array(1);
    const reached = (k: number): number => at(before, k + d);
    const k = i - j;
    const down = k === -d || (k !== d && reached(k - 1) < reached(k + 1));
    const lastK = down ? k + 1 : k - 1;
    const lastI = d === 0 ? 0 : reached(lastK);
    const lastJ = d === 0 ? 0 : lastI - lastK;
    while (i > lastI && j > lastJ) steps.push({ kind: "same", i: --i, j: --j });
    if (d === 0) break;
    if (down) steps.push({ kind: "added", i, j: --j });
    else steps.push({ kind: "removed", i: --i, j });
  }
  return steps.toReversed();
}

function replaced(a: readonly string[], b: readonly string[]): Step[] {
  return [
    ...a.map((_, i): Step => ({ kind: "removed", i, j: 0 })),
    ...b.map((_, j): Step => ({ kind: "added", i: a.length, j })),
  ];
}

function at(numbers: Int32Array, index: number): number {
  return numbers[index] ?? 0;
}

function linesOf(text: string): string[] {
  if (text === "") return [];
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}
