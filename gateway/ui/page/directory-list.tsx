import { useEffect, useRef, useState } from "preact/hooks";
import type { ApiEntry, EntriesAnswer, EntryAnswer } from "./answers.ts";
import { ask } from "./ask.ts";
import { formatBytes, formatCount, formatExact, formatMode, formatTime, typeWords } from "./format.ts";
import { Icon } from "./icons.tsx";
import { recallPlace, rememberPlace, takeFocus, wantFocus } from "./list-places.ts";
import { Empty, Failure, Loading } from "./notices.tsx";
import { goTo, linkTo, parentOf, type Route } from "./router.ts";
import { useAnswer } from "./use-answer.ts";
import { usePages } from "./use-pages.ts";
import { VirtualRows } from "./virtual-rows.tsx";

/** Entries of a page. */
const pageRows = 200;
const rowPixels = 38;

/** The entries of a directory of any size, by mouse and by keys. */
export function DirectoryList({ route, answer }: { readonly route: Route; readonly answer: EntryAnswer }) {
  const { path } = answer.entry;
  const sort = route.params.get("sort") ?? "name";
  const order = route.params.get("order") ?? "asc";
  const [marked, setMarked] = useState<number | undefined>(undefined);
  const arrival = useRef({ takesFocus: takeFocus(), place: recallPlace(path), scrollTop: 0 });
  const question = { path, sort, order, limit: pageRows };
  const first = useAnswer<EntriesAnswer>("entries", { ...question, offset: 0 });
  const key = JSON.stringify(question);
  const pages = usePages<EntriesAnswer>(key, (number, signal) =>
    ask<EntriesAnswer>("entries", { ...question, offset: number * pageRows }, signal),
  );
  const isThere = first.value !== undefined;
  useEffect(() => {
    // In a list that was left before, the row that was opened; in a new one the first, for who came by keys.
    const { place, takesFocus } = arrival.current;
    setMarked(isThere ? (place?.marked ?? (takesFocus ? 0 : undefined)) : undefined);
  }, [key, isThere]);
  const leave = (row: number | undefined): void => {
    rememberPlace(path, { marked: row, scrollTop: arrival.current.scrollTop });
    wantFocus();
  };
  if (first.error !== undefined) return <Failure error={first.error} />;
  if (first.value === undefined) return <Loading what="Reading the directory" />;
  const { total, isSorted } = first.value;
  if (total === 0) {
    return (
      <Empty title="This directory is empty">
        <p class="muted">It was empty when it was backed up.</p>
      </Empty>
    );
  }
  const at = (index: number): { entry: ApiEntry; bytesBelow: number | null } | undefined => {
    const number = Math.floor(index / pageRows);
    const page = pages.page(number) ?? (number === 0 && !first.isLoading ? first.value : undefined);
    const entry = page?.entries[index % pageRows];
    return entry === undefined ? undefined : { entry, bytesBelow: page?.totals[index % pageRows] ?? null };
  };
  const open = (index: number): void => {
    const found = at(index);
    if (found === undefined) return;
    leave(index);
    goTo(linkTo("browse", found.entry.path));
  };
  const onKeyDown = (event: KeyboardEvent, rowsInSight: number): void => {
    if (event.ctrlKey || event.metaKey || (event.altKey && event.key !== "ArrowUp")) return;
    const now = marked ?? -1;
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: now + 1,
      ArrowUp: now - 1,
      PageDown: now + rowsInSight,
      PageUp: now - rowsInSight,
      Home: 0,
      End: total - 1,
      j: now + 1,
      k: now - 1,
    };
    if (event.key === "Enter" || event.key === "ArrowRight") {
      if (marked !== undefined) open(marked);
    } else if (event.key === "Backspace" || event.key === "ArrowLeft" || (event.altKey && event.key === "ArrowUp")) {
      leave(marked);
      goTo(path === answer.snapshot?.path ? "#/" : linkTo("browse", parentOf(path)));
    } else {
      const next = moves[event.key];
      if (next === undefined) return;
      setMarked(Math.max(0, Math.min(total - 1, next)));
    }
    event.preventDefault();
  };
  return (
    <div class="directory">
      {!isSorted && (
        <p class="muted small" role="status">
          This directory is too large to be sorted so: it is in the order of names.
        </p>
      )}
      <div class="list-head" role="presentation">
        <Sorter path={path} sort="name" label="Name" now={sort} order={order} />
        <Sorter path={path} sort="size" label="Size" now={sort} order={order} isNumber />
        <Sorter path={path} sort="time" label="Changed" now={sort} order={order} />
        <span class="mode">Mode</span>
        <span class="owner">Owner</span>
      </div>
      <VirtualRows
        count={total}
        rowHeight={rowPixels}
        sight={marked}
        onWindow={(from, end) =>
          pages.want(Math.floor(from / pageRows), Math.floor(Math.max(from, end - 1) / pageRows))
        }
        onKeyDown={onKeyDown}
        startAt={arrival.current.place?.scrollTop}
        takesFocus={arrival.current.takesFocus}
        onScroll={(scrollTop) => (arrival.current.scrollTop = scrollTop)}
        attributes={{
          style: { height: `min(68vh, ${total * rowPixels + 2}px)` },
          role: "listbox",
          "aria-label": `${formatCount(total)} entries. Arrow keys move, Enter opens, Backspace goes up.`,
          "aria-activedescendant": marked === undefined ? undefined : `row-${marked}`,
        }}
        row={(index) => (
          <Row
            index={index}
            total={total}
            found={at(index)}
            isMarked={index === marked}
            onMark={() => setMarked(index)}
            onOpen={() => leave(index)}
          />
        )}
      />
      {pages.error !== undefined && (
        <p class="failure" role="alert">
          {pages.error.message}
        </p>
      )}
      <p class="muted small keys">
        {formatCount(total)} {total === 1 ? "entry" : "entries"}
        <span class="wide">
          {" "}
          · <kbd>↑</kbd> <kbd>↓</kbd> move · <kbd>Enter</kbd> opens · <kbd>Backspace</kbd> goes up
        </span>
      </p>
    </div>
  );
}

function Row({
  index,
  total,
  found,
  isMarked,
  onMark,
  onOpen,
}: {
  readonly index: number;
  readonly total: number;
  readonly found: { readonly entry: ApiEntry; readonly bytesBelow: number | null } | undefined;
  readonly isMarked: boolean;
  readonly onMark: () => void;
  readonly onOpen: () => void;
}) {
  const common = {
    id: `row-${index}`,
    role: "option" as const,
    "aria-selected": isMarked,
    "aria-setsize": total,
    "aria-posinset": index + 1,
  };
  if (found === undefined) {
    return (
      <div {...common} class="row waiting" aria-busy>
        <span class="bone" />
      </div>
    );
  }
  const { entry, bytesBelow } = found;
  const { type } = entry;
  const icon = type === "directory" || type === "file" || type === "symlink" ? type : "other";
  const bytes = type === "file" ? entry.sizeBytes : bytesBelow;
  return (
    <div {...common} class={`row ${isMarked ? "marked" : ""}`} onMouseDown={onMark}>
      <span class="name">
        <Icon name={icon} />
        <a
          href={linkTo("browse", entry.path)}
          tabIndex={-1}
          onClick={onOpen}
          title={`${typeWords[type] ?? ""} ${entry.name}`}
        >
          {entry.name}
        </a>
        {entry.target !== null && <span class="target muted">→ {entry.target}</span>}
        {entry.error !== null && (
          <span class="flaw" title={entry.error}>
            <Icon name="warning" />
            <span class="hidden">The backup could not read it: {entry.error}</span>
          </span>
        )}
      </span>
      <span class={`number ${type === "directory" ? "muted" : ""}`}>{bytes === null ? "–" : formatBytes(bytes)}</span>
      <span class="time muted" title={formatExact(entry.mtimeMs)}>
        {formatTime(entry.mtimeMs)}
      </span>
      <span class="mode muted mono">{formatMode(entry.mode)}</span>
      <span class="owner muted">
        {entry.owner}:{entry.group}
      </span>
    </div>
  );
}

function Sorter({
  path,
  sort,
  label,
  now,
  order,
  isNumber = false,
}: {
  readonly path: string;
  readonly sort: string;
  readonly label: string;
  readonly now: string;
  readonly order: string;
  readonly isNumber?: boolean;
}) {
  const isThis = now === sort;
  const next = isThis ? (order === "asc" ? "desc" : "asc") : sort === "name" ? "asc" : "desc";
  return (
    <button
      type="button"
      class={`${sort} ${isNumber ? "number" : ""}`}
      aria-label={`Sort by ${label.toLowerCase()}${isThis ? (order === "asc" ? ", now ascending" : ", now descending") : ""}`}
      onClick={() => goTo(linkTo("browse", path, { sort, order: next }), true)}
    >
      {label}
      <span class="arrow" aria-hidden="true">
        {isThis ? (order === "desc" ? "↓" : "↑") : ""}
      </span>
    </button>
  );
}
