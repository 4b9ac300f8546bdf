import type { SnapshotSummary } from "#agent/commands/engine.ts";
import { calendarTimeMs } from "#shared/view/calendar-time.ts";
import { displayName, displayText, utf8Name } from "./display-name.ts";
import { displayWidth } from "./display-width.ts";
import { formatBytes } from "./format-bytes.ts";
import { formatCount } from "./format-count.ts";
import { formatTime } from "./format-time.ts";
import type { JsonRecord } from "./renderer.ts";
import { shortenPath } from "./shorten-path.ts";

/** Hex digits of an id that lists show. */
const idDigitsShown = 12;
/** Columns that the paths of a snapshot keep on a terminal, however narrow. */
const pathColumnsMin = 12;

/** The heading above lines of `snapshotLine`. */
export const snapshotHeading = [
  "ID".padEnd(idDigitsShown),
  "TIME".padEnd(26),
  "SIZE".padStart(9),
  "ENTRIES".padStart(11),
  "HOST NAME:PATHS [TAGS]",
].join("  ");

/**
 * A snapshot as one line of `ls`.
 *
 * @param columns - of the terminal: paths are shortened to fit, if they can be; undefined: nothing is shortened
 */
export function snapshotLine(snapshot: SnapshotSummary, columns?: number): string {
  const tags = snapshot.tags.length === 0 ? "" : `  [${snapshot.tags.map(displayText).join(", ")}]`;
  const backupErrors = snapshot.errors - snapshot.lostPaths;
  const errors = backupErrors === 0 ? "" : `  ${formatCount(backupErrors)} errors`;
  const lost =
    snapshot.lostPaths === 0
      ? ""
      : `  DAMAGED: ${formatCount(snapshot.lostPaths)} ${snapshot.lostPaths === 1 ? "path" : "paths"} lost`;
  const removed = snapshot.removedAtMs === undefined ? "" : `  removed ${formatTime(snapshot.removedAtMs)}`;
  const what =
    snapshot.name === "" ? displayText(snapshot.host) : `${displayText(snapshot.host)} ${displayText(snapshot.name)}`;
  const start = [
    snapshot.id.slice(0, idDigitsShown),
    formatTime(snapshot.timeMs),
    formatBytes(snapshot.sizeBytes).padStart(9),
    formatCount(snapshot.entries).padStart(11),
    `${what}:`,
  ].join("  ");
  const end = `${tags}${errors}${lost}${removed}`;
  const paths = snapshot.paths.map(displayName).join(" ");
  const room = columns === undefined ? undefined : columns - displayWidth(start) - displayWidth(end);
  return `${start}${room === undefined ? paths : shortenPath(paths, Math.max(pathColumnsMin, room))}${end}`;
}

/** A snapshot as the members of a JSON event. */
export function snapshotRecord(snapshot: SnapshotSummary): JsonRecord {
  const names = snapshot.paths.map(utf8Name);
  return {
    ...snapshot,
    time: calendarTimeMs(snapshot.timeMs),
    paths: snapshot.paths.map((path, index) => names[index] ?? displayName(path)),
    pathsBase64: names.includes(undefined)
      ? snapshot.paths.map((path) => Buffer.from(path, "latin1").toString("base64"))
      : undefined,
  };
}
