import {
  checkPackTable,
  decodePackSessions,
  decodePackTrailer,
  packSessionsBytes,
  packTableRowBytes,
  readPackTableRow,
  verifyPackTrailer,
} from "./pack.ts";
import type { SessionEnvelope } from "./state.ts";

/** What a pack says of itself behind its segments. */
export type PackEnd = {
  readonly table: Uint8Array;
  readonly sessions: readonly SessionEnvelope[];
  /** The sealed directory of each segment, in the order of the table: views of the tail. */
  readonly directories: readonly Uint8Array[];
};

/**
 * Takes the end of a pack apart, which its checksum proves. That its segments are whole, only reading them shows.
 *
 * @param parts.header - the pack's header, which the checksum covers too; whether it is right, the caller checks
 * @param parts.tail - what is between the segments, from the trailer's `directoriesOffset` on, and the trailer
 * @returns table and sessions in memory of their own
 * @throws {HoldfastError} corrupt
 */
export function decodePackEnd(
  parts: { readonly header: Uint8Array; readonly tail: Uint8Array; readonly trailer: Uint8Array },
  sizeBytes: number,
  subject: string,
): PackEnd {
  const { header, tail, trailer } = parts;
  const { directoriesOffset, segmentCount } = decodePackTrailer(trailer, sizeBytes, subject);
  const sessionsEnd = tail.byteLength - segmentCount * packTableRowBytes;
  const table = tail.slice(sessionsEnd);
  checkPackTable(table, sizeBytes, subject);
  const sessions = tail.slice(sessionsEnd - packSessionsBytes(table), sessionsEnd);
  verifyPackTrailer({ header, sessions, table, trailer }, subject);
  const directories: Uint8Array[] = [];
  for (let row = 0; row < segmentCount; row++) {
    const { directoryOffset, directoryBytes } = readPackTableRow(table, row);
    const from = directoryOffset - directoriesOffset;
    directories.push(tail.subarray(from, from + directoryBytes));
  }
  return { table, sessions: decodePackSessions(sessions, table, subject), directories };
}
