import type { EntryError } from "#shared/operations/progress.ts";
import { displayName, displayText } from "./display-name.ts";

/** An entry's error as one line for people. */
export function describeEntryError(error: EntryError): string {
  return `error: ${displayName(error.path)}: ${displayText(error.message)} (${displayText(error.kind)})`;
}
