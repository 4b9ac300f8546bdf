import type { Entry } from "#shared/format/entry.ts";
import { contentTag } from "./content-tag.ts";

/** What of an entry can change. */
export type ChangedPart = "type" | "content" | "time" | "mode" | "owner" | "target" | "attributes" | "device" | "error";

/** What differs between an entry and a later state of it, the weightiest first. A directory's time is that of its last change of names. */
export function changedParts(left: Entry, right: Entry): ChangedPart[] {
  const parts: ChangedPart[] = [];
  if (left.type !== right.type) parts.push("type");
  if (contentTag(left) !== contentTag(right)) parts.push("content");
  if (left.target !== right.target) parts.push("target");
  if (left.error !== right.error) parts.push("error");
  if (left.mode !== right.mode) parts.push("mode");
  if (left.uid !== right.uid || left.gid !== right.gid) parts.push("owner");
  if (left.rdevMajor !== right.rdevMajor || left.rdevMinor !== right.rdevMinor) parts.push("device");
  if (left.flags !== right.flags || !haveSameAttributes(left.xattrs, right.xattrs)) parts.push("attributes");
  if (left.mtimeSec !== right.mtimeSec || left.mtimeNsec !== right.mtimeNsec) parts.push("time");
  return parts;
}

function haveSameAttributes(left: Entry["xattrs"], right: Entry["xattrs"]): boolean {
  if ((left?.length ?? 0) !== (right?.length ?? 0)) return false;
  return (left ?? []).every(([name, value], index) => {
    const other = right?.[index];
    return other?.[0] === name && Buffer.compare(other[1], value) === 0;
  });
}
