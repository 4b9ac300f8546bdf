import { hostname } from "node:os";

/**
 * A transcript without what is different in each run: ids, times, durations, the machine's name and where the test ran.
 *
 * @param directory - shown as `~`
 */
export function masked(text: string, directory: string): string {
  return text
    .replaceAll(directory, "~")
    .replaceAll(/\b[0-9a-f]{64}\b/g, "<id>")
    .replaceAll(/\b[0-9a-f]{32}\b/g, "<key>")
    .replaceAll(/^((?:would remove |removed |undeleted )?)[0-9a-f]{12}(?=  )/gm, "$1<id>")
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d\d:\d\d/g, "<time>")
    .replaceAll(/(?<=^  duration +)\d+(?:\.\d+)? s$/gm, "<duration>")
    .replaceAll(/\b[0-9A-Z]{5}(?:-[0-9A-Z]{5}){10,}\b/g, "<recovery key>")
    .replaceAll(` ${hostname()} `, " <host> ");
}
