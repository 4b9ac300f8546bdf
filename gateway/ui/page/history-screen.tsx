import type { ApiEntry, ApiSnapshot, EntryAnswer, HistoryLine } from "./answers.ts";
import { filesUrl } from "./ask.ts";
import { Breadcrumbs } from "./breadcrumbs.tsx";
import { formatBytes, formatExact, formatTime, plural } from "./format.ts";
import { Icon } from "./icons.tsx";
import { Failure, Loading } from "./notices.tsx";
import { linkTo, type Route } from "./router.ts";
import { useAnswer } from "./use-answer.ts";
import { useLines } from "./use-lines.ts";

/** Snapshots in a row that have a path in the same state; the newest first. */
type Version = { readonly entry: ApiEntry | null; readonly snapshots: ApiSnapshot[] };

/** One path through all snapshots of its host. */
export function HistoryScreen({ route }: { readonly route: Route }) {
  const { path } = route;
  const { value: place, error: absent } = useAnswer<EntryAnswer>("entry", { path });
  const { lines, error, isLoading } = useLines<HistoryLine>("history", { path });
  if (absent !== undefined) return <Failure error={absent} />;
  if (place === undefined) return <Loading />;
  const versions = versionsOf(lines);
  const others = lines.filter((line) => "version" in line && !line.version.isCovered).length;
  const isDirectory = place.entry.type === "directory";
  return (
    <>
      <Breadcrumbs answer={place} />
      <h1>History of {place.entry.name}</h1>
      <p class="muted" role="status">
        {plural(versions.filter((version) => version.entry !== null).length, "version")} in snapshots of{" "}
        {place.snapshot?.host ?? "this store"}
        {isLoading && <span class="spinner small" aria-label="still looking" />}
      </p>
      {error !== undefined && <Failure error={error} />}
      <ol class="timeline">
        {versions.map((version, index) => {
          const { entry, snapshots } = version;
          const [last] = snapshots;
          const first = snapshots.at(-1);
          if (last === undefined || first === undefined) return null;
          const older = versions.slice(index + 1).find((each) => each.entry !== null)?.entry ?? undefined;
          return (
            <li key={last.id} class={entry === null ? "gone" : ""}>
              <div class="version-time" title={`${formatExact(first.timeMs)} to ${formatExact(last.timeMs)}`}>
                {formatTime(first.timeMs)}
                {first !== last && <span class="muted"> – {formatTime(last.timeMs)}</span>}
              </div>
              {entry === null ? (
                <div class="muted">Not there, {plural(snapshots.length, "snapshot")}</div>
              ) : (
                <>
                  <div>
                    <a href={linkTo("browse", entry.path)}>
                      {entry.type === "file"
                        ? formatBytes(entry.sizeBytes)
                        : entry.type === "symlink"
                          ? `→ ${entry.target ?? ""}`
                          : "Open"}
                    </a>
                    <span class="muted">
                      {" "}
                      · changed {formatTime(entry.mtimeMs)} · in {plural(snapshots.length, "snapshot")}
                    </span>
                  </div>
                  <div class="actions">
                    {entry.type === "file" && entry.error === null && (
                      <a class="button small" href={filesUrl(entry.path, "download")} download>
                        <Icon name="down" /> Download
                      </a>
                    )}
                    {older !== undefined && older.type === entry.type && (entry.type === "file" || isDirectory) && (
                      <a
                        class="button small"
                        href={linkTo(isDirectory ? "compare" : "diff", "/", { left: older.path, right: entry.path })}
                      >
                        <Icon name="compare" /> What changed
                      </a>
                    )}
                  </div>
                </>
              )}
            </li>
          );
        })}
      </ol>
      {others > 0 && (
        <p class="muted small">{plural(others, "snapshot")} of this host are of other paths, and are left out.</p>
      )}
    </>
  );
}

/** Joins neighbours that have it in the same state. */
function versionsOf(lines: readonly HistoryLine[]): Version[] {
  const versions: Version[] = [];
  for (const line of lines) {
    if (!("version" in line)) continue;
    const { entry, snapshot, isCovered } = line.version;
    // Nothing follows from its absence.
    if (!isCovered) continue;
    const before = versions.at(-1);
    if (before !== undefined && stateOf(before.entry) === stateOf(entry)) before.snapshots.push(snapshot);
    else versions.push({ entry, snapshots: [snapshot] });
  }
  return versions;
}

function stateOf(entry: ApiEntry | null): string {
  return entry === null ? "" : JSON.stringify({ ...entry, path: "" });
}
