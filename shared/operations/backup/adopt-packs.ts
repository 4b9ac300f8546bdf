import { encodeHex } from "#shared/bytes/hex.ts";
import { isHoldfastError } from "#shared/errors.ts";
import type { SessionEnvelope, StatePack } from "#shared/format/state.ts";
import { indexRowsOfPacks, type NumberedPack } from "#shared/repository/index-rows-of-packs.ts";
import { type PackContents, readPackContents } from "#shared/repository/read-pack-contents.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { packKey } from "#shared/store/object-key.ts";
import type { JournalRecord } from "./journal.ts";

/** What an interrupted session left behind and this one takes over. */
export type AdoptedPacks = {
  readonly packs: readonly StatePack[];
  readonly sessions: readonly SessionEnvelope[];
  /** Sorted index rows, segments numbered as in the repository's segment table. */
  readonly rows: Uint8Array;
};

/**
 * Reads the tables and directories of packs that an interrupted session stored, and adds them to the repository's tables: what
 * is in them need not be stored again. Packs that are not whole, were swept, or belong to a published state, are passed over; condemned ones
 * are taken, for the commit revives them.
 */
export async function adoptPacks(repository: Repository, records: readonly JournalRecord[]): Promise<AdoptedPacks> {
  const packs: StatePack[] = [];
  const sessions = new Map<string, SessionEnvelope>();
  const numbered: NumberedPack[] = [];
  for (const record of records) {
    if (repository.segments.findPack(record.packId) !== undefined || repository.log.swept.has(record.packId)) continue;
    const adopted = await readPack(repository, record);
    if (adopted === undefined) continue;
    const { firstSegment } = repository.segments.addPack(adopted.pack);
    numbered.push({ directories: adopted.directories, firstSegment });
    packs.push(adopted.pack);
    sessions.set(encodeHex(record.sessionId), { sessionId: record.sessionId, envelope: record.envelope });
    repository.sessionKeys.addEnvelope({ sessionId: record.sessionId, envelope: record.envelope });
  }
  const rows = indexRowsOfPacks(numbered);
  repository.index.addRun(rows);
  return { packs, sessions: [...sessions.values()], rows };
}

/** A pack as the journal tells of it; undefined where it is not there, not whole or another. */
async function readPack(repository: Repository, record: JournalRecord): Promise<PackContents | undefined> {
  try {
    const { sizeBytes } = await repository.store.head(packKey(record.packId));
    if (sizeBytes !== record.sizeBytes) return undefined;
    const contents = await readPackContents(repository, record.packId, sizeBytes);
    return contents.pack.kind === record.kind ? contents : undefined;
  } catch (error) {
    if (isHoldfastError(error, "absent", "corrupt", "incompatible")) return undefined;
    throw error;
  }
}
