import type { SnapshotSummary } from "#agent/commands/engine.ts";
import { displayName, displayText, utf8Name } from "./display-name.ts";
import { formatBytes } from "./format-bytes.ts";
import { formatCount } from "./format-count.ts";
import { formatTime } from "./format-time.ts";
import type { JsonRecord } from "./renderer.ts";

/** Hex digits of an id that lists show. */
const idDigitsShown = 12;

/** A snapshot as one line of `ls`. */
export function snapshotLine(snapshot: SnapshotSummary): string {
  const tags = snapshot.tags.length === 0 ? "" : `  [${snapshot.tags.map(displayText).join(", ")}]`;
  const errors = snapshot.errors === 0 ? "" : `  ${formatCount(snapshot.errors)} errors`;
  const what =
    snapshot.name === "" ? displayText(snapshot.host) : `${displayText(snapshot.host)} ${displayText(snapshot.name)}`;
  return [
    snapshot.id.slice(0, idDigitsShown),
    formatTime(snapshot.timeMs),
    formatBytes(snapshot.sizeBytes).padStart(9),
    `${formatCount(snapshot.entries).padStart(11)} entries`,
    `${what}:${snapshot.paths.map(displayName).join(" ")}${tags}${errors}`,
  ].join("  ");
}

/** A snapshot as the members of a JSON event. */
export function snapshotRecord(snapshot: SnapshotSummary): JsonRecord {
  const names = snapshot.paths.map(utf8Name);
  return {
    ...snapshot,
    time: new Date(snapshot.timeMs).toISOString(),
    paths: snapshot.paths.map((path, index) => names[index] ?? displayName(path)),
    pathsBase64: names.includes(undefined)
      ? snapshot.paths.map((path) => Buffer.from(path, "latin1").toString("base64"))
      : undefined,
  };
}
