import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, renameSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { makePath } from "#agent/filesystem/make-path.ts";
import { decodeHex, encodeHex } from "#shared/bytes/hex.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { parseId } from "#shared/format/ids.ts";
import { systemRandom } from "#shared/random.ts";
import type { Journal, JournalRecord } from "#shared/operations/backup/journal.ts";
import type { Reporter } from "#shared/operations/progress.ts";

const suffix = ".journal";

/**
 * Keeps a journal of one store as files in a directory of the agent, one for each running backup: lines of JSON, named by the
 * process that writes them. What dead processes left is taken over by renaming. Session keys in it are sealed to the store.
 *
 * Where it cannot be written, such as on a full disk, the backup goes on without it, and `reporter` is told once.
 */
export function openFileJournal(directory: string, reporter: Pick<Reporter, "notice">): Journal {
  const left: JournalRecord[] = [];
  const taken: string[] = [];
  let fd: number | undefined;
  let isBroken = false;
  const giveUp = (error: unknown, loss: string): void => {
    isBroken = true;
    const reason = error instanceof Error ? error.message : String(error);
    reporter.notice({ level: "warning", message: `Cannot keep a journal: ${reason}; ${loss}` });
  };
  try {
    makePath(Buffer.from(directory, "utf8").toString("latin1"), 0o700);
    for (const name of readdirSync(directory)) {
      if (!name.endsWith(suffix) || isInUse(join(directory, name))) continue;
      const path = join(directory, ownName());
      if (!renameIfThere(join(directory, name), path)) continue;
      taken.push(path);
      openHere.add(path);
      left.push(...readRecords(path));
    }
  } catch (error) {
    if (!isHoldfastError(error) && !(error instanceof Error && "code" in error)) throw error;
    giveUp(error, "what an interrupted run has stored may be stored again");
  }
  const path = join(directory, ownName());
  const close = (): void => {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
    for (const each of [path, ...taken]) openHere.delete(each);
  };
  return {
    left,
    add(record) {
      if (isBroken) return;
      try {
        openHere.add(path);
        fd ??= openSync(path, "ax", 0o600);
        writeSync(fd, `${JSON.stringify(toJson(record))}\n`);
        fsyncSync(fd);
      } catch (error) {
        giveUp(error, "if this run is interrupted, the next one stores again what this one has stored");
      }
    },
    clear() {
      const own = fd !== undefined;
      close();
      for (const each of own ? [...taken, path] : taken) removeIfThere(each);
      taken.length = 0;
    },
    close,
  };
}

function ownName(): string {
  return `${process.pid}-${encodeHex(systemRandom(6))}${suffix}`;
}

/** Journals that backups of this very process write now. */
const openHere = new Set<string>();

/** Whether a running backup still writes a journal: one of another process, or of this one. */
function isInUse(path: string): boolean {
  const pid = Number.parseInt(path.slice(path.lastIndexOf("/") + 1), 10);
  if (!Number.isInteger(pid) || pid <= 0) return false;
  if (pid === process.pid) return openHere.has(path);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Renames a file; false when another process was first. */
function renameIfThere(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}

/**
 * Removes a journal that is published. One that stays does no harm: its packs are then known. It may be gone where processes that do
 * not see one another share the directory, such as containers.
 */
function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
  }
}

/** The records of a journal; a last line that was cut short, and all that is no record, is passed over. */
function readRecords(path: string): JournalRecord[] {
  const records: JournalRecord[] = [];
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const record = line === "" ? undefined : fromJson(line);
    if (record !== undefined) records.push(record);
  }
  return records;
}

function toJson(record: JournalRecord): Record<string, string | number> {
  return {
    pack: record.packId,
    kind: record.kind,
    sizeBytes: record.sizeBytes,
    session: encodeHex(record.sessionId),
    envelope: encodeHex(record.envelope),
  };
}

function fromJson(line: string): JournalRecord | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed !== "object" || parsed === null) return undefined;
    const { pack, kind, sizeBytes, session, envelope } = parsed as Record<string, unknown>;
    if (
      typeof pack !== "string" ||
      typeof sizeBytes !== "number" ||
      typeof session !== "string" ||
      typeof envelope !== "string"
    )
      return undefined;
    if (kind !== "data" && kind !== "meta") return undefined;
    return {
      packId: parseId("pack", pack),
      kind,
      sizeBytes,
      sessionId: decodeHex(session),
      envelope: decodeHex(envelope),
    };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof HoldfastError) return undefined;
    throw error;
  }
}
