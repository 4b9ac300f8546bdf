import { entryTypeLetters, type EntrySummary } from "#agent/commands/engine.ts";
import { displayName, displayText } from "./display-name.ts";
import { formatSeconds } from "./format-time.ts";
import { jsonName } from "./json-text.ts";
import type { JsonRecord } from "./renderer.ts";

/** An entry as one line of `ls`: its path, and with `long` everything that `ls -l` shows. */
export function entryLine(entry: EntrySummary, options: { readonly long: boolean }): string {
  const path = displayName(entry.path) + (entry.type === "directory" && entry.path !== "/" ? "/" : "");
  if (!options.long) return path;
  const target = entry.target === undefined ? "" : ` -> ${displayName(entry.target)}`;
  return [
    formatMode(entry),
    String(entry.linkCount).padStart(3),
    displayText(entry.user ?? String(entry.uid)).padEnd(8),
    displayText(entry.group ?? String(entry.gid)).padEnd(8),
    String(entry.sizeBytes).padStart(12),
    formatSeconds(entry.mtimeSeconds),
    path + target,
  ].join(" ");
}

/** An entry as the members of a JSON event. */
export function entryRecord(entry: EntrySummary): JsonRecord {
  const { path, target, ...rest } = entry;
  return { ...jsonName("path", path), ...(target === undefined ? {} : jsonName("target", target)), ...rest };
}

/** `drwxr-sr-t+`: the type, the permissions with set-id and sticky bits, and `+` when there are extended attributes. */
function formatMode(entry: EntrySummary): string {
  const { mode } = entry;
  const triple = (shift: number, special: boolean, letter: string) => {
    const bits = (mode >> shift) & 7;
    const execute = (bits & 1) !== 0;
    const last = special ? (execute ? letter : letter.toUpperCase()) : execute ? "x" : "-";
    return `${bits & 4 ? "r" : "-"}${bits & 2 ? "w" : "-"}${last}`;
  };
  const user = triple(6, (mode & 0o4000) !== 0, "s");
  const group = triple(3, (mode & 0o2000) !== 0, "s");
  const others = triple(0, (mode & 0o1000) !== 0, "t");
  return `${entryTypeLetters[entry.type]}${user}${group}${others}${entry.xattrs > 0 ? "+" : " "}`;
}
