import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makePath } from "#agent/filesystem/make-path.ts";
import { decodeHex, encodeHex } from "#shared/bytes/hex.ts";
import type { LogMark } from "#shared/log/log-state.ts";
import type { Reporter } from "#shared/operations/progress.ts";

/**
 * Remembers the highest log entry that this client has seen of a store, so that a store that was set back is noticed.
 *
 * A file of the agent's data directory; a file that cannot be read counts as nothing seen. That it cannot be written is told to
 * `reporter`, and is no failure: what was done in the store is done all the same.
 */
export function logMarkFile(
  dataDirectory: string,
  storeId: string,
  reporter: Pick<Reporter, "notice">,
): { read(): LogMark | undefined; write(mark: LogMark): void } {
  const directory = join(dataDirectory, "log-marks");
  const path = join(directory, storeId);
  let last: string | undefined;
  return {
    read() {
      try {
        last = readFileSync(path, "utf8");
      } catch {
        return undefined;
      }
      const match = /^(\d{1,16}) ([0-9a-f]{64})\n$/.exec(last);
      return match?.[1] === undefined || match[2] === undefined
        ? undefined
        : { seq: Number(match[1]), sha256: decodeHex(match[2]) };
    },
    write(mark) {
      const text = `${mark.seq} ${encodeHex(mark.sha256)}\n`;
      if (text === last) return;
      const temporary = `${path}.${process.pid}`;
      try {
        makePath(Buffer.from(directory, "utf8").toString("latin1"), 0o700);
        writeFileSync(temporary, text, { mode: 0o600 });
        renameSync(temporary, path);
        last = text;
      } catch (error) {
        rmSync(temporary, { force: true });
        const reason = error instanceof Error ? error.message : String(error);
        reporter.notice({ level: "warning", message: `Cannot remember what was seen of the log: ${reason}` });
      }
    },
  };
}
