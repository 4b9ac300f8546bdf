import { useEffect, useRef, useState } from "preact/hooks";
import type { EntryAnswer, SearchLine } from "./answers.ts";
import { Breadcrumbs } from "./breadcrumbs.tsx";
import { formatBytes, formatCount, formatTime, plural } from "./format.ts";
import { Icon } from "./icons.tsx";
import { Empty, Failure } from "./notices.tsx";
import { decodeText, encodeText, goTo, linkTo, type Route } from "./router.ts";
import { useAnswer } from "./use-answer.ts";
import { useLines } from "./use-lines.ts";

/** Finds names, in one directory or in all snapshots. */
export function SearchScreen({ route }: { readonly route: Route }) {
  const { path } = route;
  const asked = decodeText(route.params.get("q"));
  const isEverywhere = route.params.get("snapshots") === "all";
  const isTop = path === "/";
  const [typed, setTyped] = useState(asked);
  const field = useRef<HTMLInputElement>(null);
  const { value: place } = useAnswer<EntryAnswer>(isTop ? undefined : "entry", { path });
  const { lines, error, isLoading, stop } = useLines<SearchLine>(asked === "" ? undefined : "search", {
    path,
    q: encodeText(asked),
    snapshots: isEverywhere ? "all" : "one",
  });
  useEffect(() => field.current?.focus(), []);
  const go = (q: string, snapshots: string | undefined): void =>
    goTo(linkTo("search", path, { q: encodeText(q), snapshots }), asked === q || asked === "");
  const matches = lines.flatMap((line) => ("match" in line ? [line.match] : []));
  const last = lines.findLast((line) => !("match" in line));
  const end = last !== undefined && "end" in last ? last.end : undefined;
  const progress = end ?? (last !== undefined && "progress" in last ? last.progress : undefined);
  return (
    <>
      {place !== undefined && !isTop && <Breadcrumbs answer={place} screen="browse" />}
      <h1>{isTop ? "Search" : `Search in ${place?.entry.name || "here"}`}</h1>
      <form
        class="filters"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          go(typed.trim(), isEverywhere ? "all" : undefined);
        }}
      >
        <label class="search-field">
          <Icon name="search" />
          <span class="hidden">Name of a file or directory</span>
          <input
            ref={field}
            type="search"
            placeholder="Part of a name, or a pattern like *.pdf"
            value={typed}
            spellcheck={false}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
        {!isTop && (
          <label class="check">
            <input
              type="checkbox"
              checked={isEverywhere}
              onChange={(event) => go(typed.trim(), event.currentTarget.checked ? "all" : undefined)}
            />
            In all snapshots
          </label>
        )}
        {isLoading ? (
          <button type="button" class="button" onClick={stop}>
            Stop
          </button>
        ) : (
          <button type="submit" class="button primary">
            Search
          </button>
        )}
      </form>
      {error !== undefined && <Failure error={error} />}
      {asked === "" && (
        <Empty title="Find a name">
          <p class="muted">
            {isTop ? "In every snapshot that is here, the newest first." : "In this directory and all below it."} Case
            does not count; <kbd>*</kbd> and <kbd>?</kbd> stand for anything.
          </p>
        </Empty>
      )}
      {asked !== "" && (
        <p class="muted" role="status">
          {plural(matches.length, "match", "matches")}
          {progress !== undefined && progress.entries > 0 && ` among ${formatCount(progress.entries)} entries`}
          {progress !== undefined && progress.snapshots > 1 && ` of ${formatCount(progress.snapshots)} snapshots`}
          {isLoading && <span class="spinner small" aria-label="still searching" />}
          {end !== undefined && !end.isComplete && " – there may be more; narrow the search to see them"}
        </p>
      )}
      {end !== undefined && matches.length === 0 && error === undefined && (
        <Empty title="No name fits">
          <p class="muted">Nothing here is called “{asked}”.</p>
        </Empty>
      )}
      <ul class="matches">
        {matches.slice(0, 1000).map(({ entry, snapshot }) => {
          const inside = snapshot.path === "/" ? entry.path : entry.path.slice(snapshot.path.length);
          const parent = inside.slice(0, inside.lastIndexOf("/") + 1);
          return (
            <li key={entry.path}>
              <a href={linkTo("browse", entry.path)}>
                <Icon name={entry.type === "directory" ? "directory" : entry.type === "symlink" ? "symlink" : "file"} />
                <span class="match-name">{entry.name}</span>
              </a>
              <span class="match-where muted mono">{readable(parent)}</span>
              <span class="match-facts muted">
                {entry.type === "file" && `${formatBytes(entry.sizeBytes)} · `}
                {formatTime(entry.mtimeMs)} · in {snapshot.host}, {formatTime(snapshot.timeMs)}
              </span>
            </li>
          );
        })}
      </ul>
    </>
  );
}

/** A path as the API writes it, for people: left as it is where it is no plain text. */
function readable(path: string): string {
  try {
    const text = decodeURIComponent(path);
    return /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}]/u.test(text) ? path : text;
  } catch {
    return path;
  }
}
