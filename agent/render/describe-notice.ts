import type { Notice } from "#shared/operations/progress.ts";
import { displayName, displayText } from "./display-name.ts";

/** A notice as one line for people. */
export function describeNotice(notice: Notice): string {
  const where = notice.path === undefined ? "" : `${displayName(notice.path)}: `;
  return `${notice.level === "warning" ? "warning: " : ""}${where}${displayText(notice.message)}`;
}
