import { readFileSync } from "node:fs";
import { join } from "node:path";
import { replacePrivateFile } from "#agent/config/replace-private-file.ts";
import { makePath } from "#agent/filesystem/make-path.ts";
import { decodeHex, encodeHex } from "#shared/bytes/hex.ts";
import { equalBytes } from "#shared/bytes/equal-bytes.ts";
import type { LogMark } from "#shared/log/log-state.ts";
import type { Reporter } from "#shared/operations/progress.ts";

/** A log entry that this client has seen, and where. */
export type PlacedMark = LogMark & {
  /** The store's location; undefined where it was not written down. */
  readonly place: string | undefined;
};

/** What this client remembers of a store, by its id, whatever its location. */
export type LogMarks = {
  /** The highest entry that was seen, at any location; undefined: nothing was. */
  read(): PlacedMark | undefined;
  /** Remembers an entry that was seen at this location. A higher one that was seen here, by another run, stays. */
  write(mark: LogMark): void;
  /** Forgets what was seen, here and elsewhere, and remembers this. */
  accept(mark: LogMark): void;
};

/** Locations that are remembered of one store. */
const placesMax = 16;

/**
 * The highest log entries that this client has seen of a store, one for each location, so that a store that was set back, or a copy that went
 * another way, is noticed, and both can be named.
 *
 * A file of the agent's data directory, one line a location, the latest first; a file or line that cannot be read counts as nothing seen. That it cannot be
 * written is told to `reporter`, and is no failure: what was done in the store is done all the same.
 *
 * @param options.place - the location that is open now
 */
export function logMarkFile(options: {
  readonly dataDirectory: string;
  readonly storeId: string;
  readonly place: string;
  readonly reporter: Pick<Reporter, "notice">;
}): LogMarks {
  const { dataDirectory, storeId, reporter } = options;
  const place = options.place.replaceAll(/\s+/g, " ");
  const directory = join(dataDirectory, "log-marks");
  const path = join(directory, storeId);

  const load = (): PlacedMark[] => {
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch {
      return [];
    }
    return text.split("\n").flatMap((line) => {
      const match = /^(\d{1,16}) ([0-9a-f]{64})(?: (.+))?$/.exec(line);
      if (match?.[1] === undefined || match[2] === undefined) return [];
      return [{ seq: Number(match[1]), sha256: decodeHex(match[2]), place: match[3] }];
    });
  };

  const save = (marks: readonly PlacedMark[]): void => {
    try {
      const lines = marks.map((each) => `${each.seq} ${encodeHex(each.sha256)} ${each.place ?? ""}`.trimEnd());
      makePath(Buffer.from(directory, "utf8").toString("latin1"), 0o700);
      replacePrivateFile(path, `${lines.join("\n")}\n`, { isSynced: true });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      reporter.notice({ level: "warning", message: `Cannot remember what was seen of the log: ${reason}` });
    }
  };

  return {
    read: () =>
      load().reduce<PlacedMark | undefined>(
        (highest, each) => (highest === undefined || each.seq > highest.seq ? each : highest),
        undefined,
      ),
    write(mark) {
      const marks = load();
      const here = marks.find((each) => each.place === place);
      if (
        here !== undefined &&
        (here.seq > mark.seq || (here.seq === mark.seq && equalBytes(here.sha256, mark.sha256)))
      )
        return;
      const others = marks.filter((each) => each.place !== place && each.place !== undefined);
      save([{ ...mark, place }, ...others].slice(0, placesMax));
    },
    accept: (mark) => save([{ ...mark, place }]),
  };
}
