import { useEffect, useState } from "preact/hooks";
import type { ApiEntry, EntryAnswer } from "./answers.ts";
import { filesUrl, readBytes } from "./ask.ts";
import type { DiffLine } from "./diff-lines.ts";
import { formatBytes, formatTime, plural } from "./format.ts";
import { harmless } from "./harmless.ts";
import { Icon } from "./icons.tsx";
import { Empty, Failure, Loading } from "./notices.tsx";
import { linkTo, type Route } from "./router.ts";
import { decodeText, textBytesMax } from "./text-view.tsx";
import { useAnswer } from "./use-answer.ts";
import { VirtualRows } from "./virtual-rows.tsx";
import { askWorker } from "./work.ts";

const rowPixels = 21;
/** Lines around a change that are shown. */
const contextLines = 4;
/** As many equal lines are shown rather than left out. */
const gapLinesMin = 3;

type Row = { readonly kind: "gap"; readonly lines: number } | { readonly kind: "line"; readonly line: DiffLine };
type Outcome = { readonly lines: readonly DiffLine[] } | { readonly reason: string };

/** Two texts, line by line. */
export function DiffScreen({ route }: { readonly route: Route }) {
  const left = useAnswer<EntryAnswer>("entry", { path: route.params.get("left") ?? "/" });
  const right = useAnswer<EntryAnswer>("entry", { path: route.params.get("right") ?? "/" });
  const [outcome, setOutcome] = useState<Outcome | undefined>(undefined);
  const [error, setError] = useState<Error | undefined>(undefined);
  const [isWhole, setIsWhole] = useState(false);
  const one = left.value?.entry;
  const other = right.value?.entry;
  useEffect(() => {
    if (one === undefined || other === undefined) return undefined;
    const stop = new AbortController();
    setOutcome(undefined);
    difference(one, other, stop.signal).then(setOutcome, (failure: Error) => {
      if (!stop.signal.aborted) setError(failure);
    });
    return () => stop.abort();
  }, [one?.path, other?.path]);
  const failed = left.error ?? right.error ?? error;
  if (failed !== undefined) return <Failure error={failed} />;
  if (one === undefined || other === undefined || left.value === undefined || right.value === undefined)
    return <Loading />;
  const lines = outcome !== undefined && "lines" in outcome ? outcome.lines : undefined;
  const rows = lines === undefined ? [] : isWhole ? lines.map((line): Row => ({ kind: "line", line })) : folded(lines);
  const count = (kind: DiffLine["kind"]): number => lines?.filter((line) => line.kind === kind).length ?? 0;
  return (
    <>
      <div class="head">
        <div>
          <h1>{other.name}</h1>
          <p class="muted" role="status">
            {lines === undefined
              ? "What changed"
              : `${plural(count("added"), "line")} added, ${plural(count("removed"), "line")} removed`}
          </p>
        </div>
        <div class="actions">
          {lines !== undefined && (
            <button type="button" class="button" aria-pressed={isWhole} onClick={() => setIsWhole(!isWhole)}>
              {isWhole ? "Changes only" : "Whole file"}
            </button>
          )}
          <a class="button" href={linkTo("history", other.path)}>
            <Icon name="history" /> History
          </a>
        </div>
      </div>
      <div class="sides">
        <Side label="Before" answer={left.value} />
        <a class="swap" href={linkTo("diff", "/", { left: other.path, right: one.path })} title="Swap the sides">
          ⇄<span class="hidden">Swap the sides</span>
        </a>
        <Side label="After" answer={right.value} />
      </div>
      {outcome === undefined && <Loading what="Comparing" />}
      {outcome !== undefined && "reason" in outcome && (
        <Empty title={outcome.reason}>
          <p>
            <a href={filesUrl(one.path, "download")}>Download before</a> ·{" "}
            <a href={filesUrl(other.path, "download")}>Download after</a>
          </p>
        </Empty>
      )}
      {lines !== undefined && rows.length > 0 && (
        <VirtualRows
          count={rows.length}
          rowHeight={rowPixels}
          onWindow={() => undefined}
          attributes={{
            class: "virtual text diff",
            role: "document",
            "aria-label": "Changed lines",
            style: {
              height: `min(72vh, ${rows.length * rowPixels + 26}px)`,
              "--gutter": `${String(lines.length).length + 2}ch`,
            },
          }}
          row={(index) => {
            const row = rows[index];
            return row === undefined ? null : row.kind === "gap" ? (
              <code class="line gap">⋯ {plural(row.lines, "equal line")}</code>
            ) : (
              <Line line={row.line} />
            );
          }}
        />
      )}
    </>
  );
}

function Side({ label, answer }: { readonly label: string; readonly answer: EntryAnswer }) {
  const { entry, snapshot } = answer;
  return (
    <a class="side" href={linkTo("browse", entry.path)}>
      <span class="muted small">{label}</span>
      <strong>{snapshot === null ? entry.name : formatTime(snapshot.timeMs)}</strong>
      <span class="muted">
        {snapshot?.host} · {formatBytes(entry.sizeBytes)} · changed {formatTime(entry.mtimeMs)}
      </span>
    </a>
  );
}

function Line({ line: { kind, left, right, text } }: { readonly line: DiffLine }) {
  return (
    <code class={`line ${kind}`}>
      <span class="line-number" aria-hidden="true">
        {left ?? ""}
      </span>
      <span class="line-number" aria-hidden="true">
        {right ?? ""}
      </span>
      <span class="line-text">
        <span class="sign">{kind === "added" ? "+" : kind === "removed" ? "−" : " "}</span>
        {harmless(text.slice(0, 2000))}
      </span>
    </code>
  );
}

async function difference(left: ApiEntry, right: ApiEntry, signal: AbortSignal): Promise<Outcome> {
  if (left.type !== "file" || right.type !== "file") return { reason: "These are no two files" };
  if (left.tag !== null && left.tag === right.tag) return { reason: "The content is the same" };
  if (left.error !== null || right.error !== null) return { reason: "The backup could not read one of them" };
  if (Math.max(left.sizeBytes, right.sizeBytes) > textBytesMax) {
    return { reason: `These are too large to compare here: more than ${formatBytes(textBytesMax)}` };
  }
  const [one, other] = await Promise.all([left, right].map((each) => readBytes(each.path, 0, each.sizeBytes, signal)));
  const before = decodeText(one ?? new Uint8Array(0), false);
  const after = decodeText(other ?? new Uint8Array(0), false);
  if (before === undefined || after === undefined) return { reason: "These are no texts; their content differs" };
  return { lines: await askWorker<DiffLine[]>({ kind: "diff", left: before, right: after }, signal) };
}

/** The changes with the lines around them; the rest as gaps. */
function folded(lines: readonly DiffLine[]): Row[] {
  const isNear = new Uint8Array(lines.length);
  for (const [index, line] of lines.entries()) {
    if (line.kind !== "same") isNear.fill(1, Math.max(0, index - contextLines), index + contextLines + 1);
  }
  const rows: Row[] = [];
  let gap: DiffLine[] = [];
  const endGap = (): void => {
    if (gap.length > gapLinesMin) rows.push({ kind: "gap", lines: gap.length });
    else for (const line of gap) rows.push({ kind: "line", line });
    gap = [];
  };
  for (const [index, line] of lines.entries()) {
    if (isNear[index] === 0) {
      gap.push(line);
      continue;
    }
    endGap();
    rows.push({ kind: "line", line });
  }
  endGap();
  return rows;
}
