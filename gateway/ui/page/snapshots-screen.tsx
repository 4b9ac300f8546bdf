import { useEffect, useRef, useState } from "preact/hooks";
import type { ApiSnapshot, SnapshotsAnswer } from "./answers.ts";
import {
  formatAgo,
  formatBytes,
  formatCount,
  formatDay,
  formatDuration,
  formatExact,
  formatHour,
  plural,
} from "./format.ts";
import { Icon } from "./icons.tsx";
import { Empty, Failure, Loading } from "./notices.tsx";
import { decodeText, encodeText, goTo, linkTo, type Route } from "./router.ts";
import { useAnswer } from "./use-answer.ts";

/** Milliseconds after which new snapshots are looked for. */
const refreshMs = 10_000;
/** Snapshots that come at a time. */
const stepRows = 200;

/** What the filters are called in the address. */
const filterNames = ["q", "host", "name", "tag", "from", "to"] as const;
type Filters = Readonly<Record<(typeof filterNames)[number] | "sort" | "order", string>>;

/** All snapshots: found by words, host, name, tag and time; two of them can be compared. */
export function SnapshotsScreen({ route }: { readonly route: Route }) {
  const value = (name: string): string => decodeText(route.params.get(name));
  const filters: Filters = {
    q: value("q"),
    host: value("host"),
    name: value("name"),
    tag: value("tag"),
    from: value("from"),
    to: value("to"),
    sort: value("sort") || "time",
    order: value("order") || "desc",
  };
  const [rows, setRows] = useState(stepRows);
  const [chosen, setChosen] = useState<readonly ApiSnapshot[]>([]);
  const search = useRef<HTMLInputElement>(null);
  const {
    value: answer,
    error,
    isLoading,
  } = useAnswer<SnapshotsAnswer>("snapshots", questionOf(filters, rows), refreshMs);

  const change = (changes: Partial<Record<keyof Filters, string>>): void => {
    const params = Object.fromEntries(
      Object.entries({ ...filters, ...changes }).map(([name, each]) => [name, encodeText(each)]),
    );
    if (params["sort"] === "time" && params["order"] === "desc") params["sort"] = params["order"] = "";
    setRows(stepRows);
    goTo(linkTo("snapshots", "/", params), true);
  };
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== "/" || event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      search.current?.focus();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);

  if (error !== undefined && answer === undefined) return <Failure error={error} />;
  if (answer === undefined) return <Loading what="Reading snapshots" />;
  const isFiltered = filterNames.some((name) => filters[name] !== "");
  const hasTags = answer.tags.length > 0;
  const toggle = (snapshot: ApiSnapshot): void =>
    setChosen((before) =>
      before.some((each) => each.id === snapshot.id)
        ? before.filter((each) => each.id !== snapshot.id)
        : [...before.slice(-1), snapshot],
    );
  return (
    <>
      <div class="title-row">
        <h1>Snapshots</h1>
        <p class="muted" role="status">
          {isFiltered ? `${formatCount(answer.total)} of ${formatCount(answer.all)}` : formatCount(answer.all)}
        </p>
      </div>
      {answer.all === 0 ? (
        <Empty title="No snapshots yet">
          <p>They appear here as they are made. Back something up:</p>
          <pre>holdfast backup /home</pre>
        </Empty>
      ) : (
        <>
          <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
            <label class="search-field">
              <Icon name="search" />
              <span class="hidden">Find snapshots</span>
              <input
                ref={search}
                type="search"
                placeholder="Host, name, tag, path, date or id"
                value={filters.q}
                onInput={(event) => change({ q: event.currentTarget.value })}
              />
              <kbd>/</kbd>
            </label>
            <Choice label="Host" value={filters.host} choices={answer.hosts} onChange={(host) => change({ host })} />
            <Choice label="Name" value={filters.name} choices={answer.names} onChange={(name) => change({ name })} />
            {hasTags && (
              <Choice label="Tag" value={filters.tag} choices={answer.tags} onChange={(tag) => change({ tag })} />
            )}
            <label class="field">
              From
              <input
                type="date"
                value={filters.from}
                onInput={(event) => change({ from: event.currentTarget.value })}
              />
            </label>
            <label class="field">
              To
              <input type="date" value={filters.to} onInput={(event) => change({ to: event.currentTarget.value })} />
            </label>
          </form>
          {answer.total === 0 ? (
            <Empty title="No snapshot fits">
              <p>
                <a href="#/">Show all {formatCount(answer.all)}</a>
              </p>
            </Empty>
          ) : (
            <table class="table snapshots" aria-busy={isLoading}>
              <thead>
                <tr>
                  <th class="pick">
                    <span class="hidden">Choose to compare</span>
                  </th>
                  <Column sort="time" label="Time" filters={filters} onChange={change} />
                  <Column sort="host" label="Host" filters={filters} onChange={change} />
                  <Column sort="name" label="Name" filters={filters} onChange={change} />
                  <Column sort="entries" label="Entries" filters={filters} onChange={change} isNumber />
                  <Column sort="size" label="Size" filters={filters} onChange={change} isNumber />
                  <Column sort="errors" label="Errors" filters={filters} onChange={change} isNumber />
                </tr>
              </thead>
              <tbody>
                {answer.snapshots.map((snapshot) => (
                  <SnapshotRow
                    key={snapshot.id}
                    snapshot={snapshot}
                    isChosen={chosen.some((each) => each.id === snapshot.id)}
                    onToggle={() => toggle(snapshot)}
                  />
                ))}
              </tbody>
            </table>
          )}
          {answer.snapshots.length < answer.total && (
            <p class="more">
              <button type="button" onClick={() => setRows(rows + stepRows)} disabled={rows >= 1000}>
                {rows >= 1000 ? "Narrow the filter to see more" : `Show more of ${formatCount(answer.total)}`}
              </button>
            </p>
          )}
        </>
      )}
      <CompareBar chosen={chosen} onClear={() => setChosen([])} />
    </>
  );
}

/** What two chosen snapshots are good for. */
function CompareBar({ chosen, onClear }: { readonly chosen: readonly ApiSnapshot[]; readonly onClear: () => void }) {
  if (chosen.length === 0) return null;
  const [left, right] = chosen.toSorted((a, b) => a.timeMs - b.timeMs);
  const isReady = left !== undefined && right !== undefined;
  return (
    <div class="bar" role="region" aria-label="Chosen snapshots">
      <span>{isReady ? "Two snapshots chosen" : "Choose another snapshot to compare"}</span>
      {isReady && (
        <a class="button primary" href={linkTo("compare", "/", { left: left.path, right: right.path })}>
          Compare
        </a>
      )}
      <button type="button" class="quiet" onClick={onClear}>
        Clear
      </button>
    </div>
  );
}

function SnapshotRow({
  snapshot,
  isChosen,
  onToggle,
}: {
  readonly snapshot: ApiSnapshot;
  readonly isChosen: boolean;
  readonly onToggle: () => void;
}) {
  const { path, timeMs, durationMs, host, user, name, tags, roots, entries, totalBytes, errorCount, id } = snapshot;
  return (
    <tr class={isChosen ? "chosen" : ""}>
      <td class="pick">
        <input
          type="checkbox"
          checked={isChosen}
          onChange={onToggle}
          aria-label={`Choose ${host}, ${formatExact(timeMs)}`}
        />
      </td>
      <td class="when">
        <a
          href={linkTo("browse", path)}
          title={`${formatExact(timeMs)} · took ${formatDuration(durationMs)} · by ${user} · ${id}`}
        >
          <span class="day">{formatDay(timeMs)}</span> <span class="hour">{formatHour(timeMs)}</span>
        </a>
        <span class="ago muted">{formatAgo(timeMs, Date.now())}</span>
      </td>
      <td class="host">{host}</td>
      <td class="what">
        <span>{name}</span>
        {tags.map((tag) => (
          <span key={tag} class="tag">
            {tag}
          </span>
        ))}
        <span class="roots muted mono" title={roots.join("\n")}>
          {roots.slice(0, 3).join("  ")}
          {roots.length > 3 ? ` and ${roots.length - 3} more` : ""}
        </span>
      </td>
      <td class="number" data-label="entries">
        {formatCount(entries)}
      </td>
      <td class="number">{formatBytes(totalBytes)}</td>
      <td class="number">
        {errorCount > 0 ? (
          <a class="errors" href={linkTo("errors", path)} aria-label={`${plural(errorCount, "error")} of this backup`}>
            <Icon name="warning" />
            {formatCount(errorCount)}
          </a>
        ) : (
          <span class="muted" aria-label="none">
            –
          </span>
        )}
      </td>
    </tr>
  );
}

function Choice({
  label,
  value,
  choices,
  onChange,
}: {
  readonly label: string;
  readonly value: string;
  readonly choices: SnapshotsAnswer["hosts"];
  readonly onChange: (value: string) => void;
}) {
  return (
    <label class="field">
      {label}
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        <option value="">Any</option>
        {value !== "" && !choices.some((each) => each.value === value) && <option value={value}>{value}</option>}
        {choices.map((each) => (
          <option key={each.value} value={each.value}>
            {each.value} ({formatCount(each.count)})
          </option>
        ))}
      </select>
    </label>
  );
}

function Column({
  sort,
  label,
  filters,
  onChange,
  isNumber = false,
}: {
  readonly sort: string;
  readonly label: string;
  readonly filters: Filters;
  readonly onChange: (changes: { sort: string; order: string }) => void;
  readonly isNumber?: boolean;
}) {
  const isThis = filters.sort === sort;
  const isDescending = filters.order === "desc";
  const usual = isNumber || sort === "time" ? "desc" : "asc";
  const order = isThis ? (isDescending ? "asc" : "desc") : usual;
  return (
    <th class={isNumber ? "number" : ""} aria-sort={isThis ? (isDescending ? "descending" : "ascending") : "none"}>
      <button type="button" onClick={() => onChange({ sort, order })}>
        {label}
        <span class="arrow" aria-hidden="true">
          {isThis ? (isDescending ? "↓" : "↑") : ""}
        </span>
      </button>
    </th>
  );
}

function questionOf(filters: Filters, rows: number) {
  const to = day(filters.to);
  return {
    q: encodeText(filters.q),
    host: encodeText(filters.host),
    name: encodeText(filters.name),
    tag: encodeText(filters.tag),
    from: day(filters.from),
    to: to === undefined ? undefined : to + 86_400_000,
    sort: filters.sort,
    order: filters.order,
    limit: Math.min(1000, rows),
  };
}

/** The beginning of a day in the time zone of the reader; undefined: it is none. */
function day(text: string): number | undefined {
  const ms = text === "" ? Number.NaN : new Date(`${text}T00:00`).getTime();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
