import { useState } from "preact/hooks";
import type { ApiEntry, ApiSnapshot, CompareLine } from "./answers.ts";
import { formatBytes, formatCount, formatExact, formatMode, formatTime } from "./format.ts";
import { Icon } from "./icons.tsx";
import { Empty, Failure, Loading } from "./notices.tsx";
import { linkTo, type Route } from "./router.ts";
import { useLines } from "./use-lines.ts";
import { VirtualRows } from "./virtual-rows.tsx";

type Change = Extract<CompareLine, { change: unknown }>["change"];
type Kind = Change["kind"];

const rowPixels = 46;
const kinds: readonly Kind[] = ["added", "changed", "removed"];
const marks: Readonly<Record<Kind, string>> = { added: "+", changed: "~", removed: "−" };

/** What differs between two directories. */
export function CompareScreen({ route }: { readonly route: Route }) {
  const left = route.params.get("left") ?? "/";
  const right = route.params.get("right") ?? "/";
  const { lines, error, isLoading, stop } = useLines<CompareLine>("compare", { left, right });
  const [hidden, setHidden] = useState<readonly Kind[]>([]);
  const [word, setWord] = useState("");
  const head = lines.find((line) => "between" in line)?.between;
  const end = lines.findLast((line) => "end" in line)?.end;
  const changes = lines.flatMap((line) => ("change" in line ? [line.change] : []));
  const wanted = word.toLowerCase();
  const shown = changes.filter(({ kind, name }) => !hidden.includes(kind) && name.toLowerCase().includes(wanted));
  if (error !== undefined && head === undefined) return <Failure error={error} />;
  if (head === undefined) return <Loading what="Comparing" />;
  return (
    <>
      <h1>What changed</h1>
      <div class="sides">
        <Side label="Before" snapshot={head.left} path={left} />
        <a class="swap" href={linkTo("compare", "/", { left: right, right: left })} title="Swap the sides">
          ⇄<span class="hidden">Swap the sides</span>
        </a>
        <Side label="After" snapshot={head.right} path={right} />
      </div>
      {error !== undefined && <Failure error={error} />}
      {end !== undefined && changes.length === 0 ? (
        <Empty title="Nothing changed">
          <p class="muted">Both have the same paths with the same content, modes, owners and times.</p>
        </Empty>
      ) : (
        <>
          <div class="filters">
            <div class="chips" role="group" aria-label="Kinds of changes">
              {kinds.map((kind) => (
                <button
                  key={kind}
                  type="button"
                  class={`chip ${kind}`}
                  aria-pressed={!hidden.includes(kind)}
                  onClick={() =>
                    setHidden(hidden.includes(kind) ? hidden.filter((each) => each !== kind) : [...hidden, kind])
                  }
                >
                  <span aria-hidden="true">{marks[kind]}</span>{" "}
                  {formatCount(changes.filter((each) => each.kind === kind).length)} {kind}
                </button>
              ))}
            </div>
            <label class="search-field">
              <Icon name="search" />
              <span class="hidden">Filter by path</span>
              <input
                type="search"
                placeholder="Filter by path"
                value={word}
                onInput={(event) => setWord(event.currentTarget.value)}
              />
            </label>
            {isLoading && (
              <button type="button" class="button" onClick={stop}>
                Stop
              </button>
            )}
          </div>
          <VirtualRows
            count={shown.length}
            rowHeight={rowPixels}
            onWindow={() => undefined}
            attributes={{
              class: "virtual changes",
              role: "list",
              "aria-label": "Changes",
              "aria-busy": isLoading,
              style: { height: `min(70vh, ${shown.length * rowPixels + 2}px)` },
            }}
            row={(index) => {
              const change = shown[index];
              return change === undefined ? null : <ChangeRow change={change} />;
            }}
          />
          <p class="muted small" role="status">
            {formatCount(shown.length)} of {formatCount(changes.length)} changes
            {isLoading && <span class="spinner small" aria-label="still comparing" />}
            {end !== undefined && !end.isComplete && " – there are more; compare a directory inside to see them"}
          </p>
        </>
      )}
    </>
  );
}

function Side({
  label,
  snapshot,
  path,
}: {
  readonly label: string;
  readonly snapshot: ApiSnapshot;
  readonly path: string;
}) {
  const inside = snapshot.path === "/" ? path : path.slice(snapshot.path.length);
  return (
    <a class="side" href={linkTo("browse", path)} title={`${formatExact(snapshot.timeMs)} · ${snapshot.id}`}>
      <span class="muted small">{label}</span>
      <strong>{formatTime(snapshot.timeMs)}</strong>
      <span class="muted">
        {snapshot.host} · {snapshot.name} <span class="mono">{inside === "/" ? "" : inside}</span>
      </span>
    </a>
  );
}

function ChangeRow({ change }: { readonly change: Change }) {
  const { kind, name, parts, left, right } = change;
  const entry = right ?? left;
  if (entry === null) return null;
  const isText = left?.type === "file" && right?.type === "file" && parts.includes("content");
  const href = isText ? linkTo("diff", "/", { left: left.path, right: right.path }) : linkTo("browse", entry.path);
  const slash = name.lastIndexOf("/") + 1;
  return (
    <div class={`change ${kind}`} role="listitem">
      <span class="change-mark" title={kind}>
        <span aria-hidden="true">{marks[kind]}</span>
        <span class="hidden">{kind}</span>
      </span>
      <a class="change-name" href={href} title={name}>
        <span class="muted">{name.slice(0, slash)}</span>
        {name.slice(slash)}
        {entry.type === "directory" ? "/" : ""}
      </a>
      <span class="change-what muted">{whatChanged(kind, parts, left, right)}</span>
    </div>
  );
}

function whatChanged(kind: Kind, parts: Change["parts"], left: ApiEntry | null, right: ApiEntry | null): string {
  if (kind !== "changed" || left === null || right === null) return size(right ?? left);
  return parts
    .map((part) => {
      if (part === "content")
        return left.sizeBytes === right.sizeBytes ? `content, ${size(right)}` : `${size(left)} → ${size(right)}`;
      if (part === "mode") return `${formatMode(left.mode)} → ${formatMode(right.mode)}`;
      if (part === "owner") return `${left.owner}:${left.group} → ${right.owner}:${right.group}`;
      if (part === "target") return `→ ${right.target ?? ""}`;
      if (part === "type") return `${left.type} → ${right.type}`;
      return part;
    })
    .join(" · ");
}

function size(entry: ApiEntry | null): string {
  return entry?.type === "file" ? formatBytes(entry.sizeBytes) : "";
}
