import { hostname } from "node:os";
import { formatSnapshotReference, type SnapshotReference } from "#agent/arguments/snapshot-reference.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { SnapshotRecord } from "#shared/log/log-state.ts";
import type { Reporter } from "#shared/operations/progress.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { liveRecords, readSnapshot, type Snapshot } from "#shared/snapshot/read-snapshot.ts";
import { isOfLine } from "./is-of-line.ts";

type ByAge = SnapshotReference & { readonly by: "age" };

/** What was found of one host so far: how many snapshots match, and the one that is meant. */
type OfHost = { count: number; meant: Snapshot | undefined };

/** Headers that are looked at before many are read at once: mostly the newest snapshot is the one that is meant. */
const firstBatch = 1;
/** Headers that are read at once, at most. */
const batchMax = 1024;
/** Hosts that a hint names, at most. */
const hostsNamed = 8;

/**
 * The snapshot that `latest` means, counted among those of one host: the host that the reference names, else this host. Where the store
 * has none of this host at all, and those that match are of a single other host, it is that one, and a warning says so.
 *
 * @see shared/decisions/0036
 * @throws {HoldfastError} invalid: none is of this host, and several hosts have snapshots that match
 * @throws {HoldfastError} absent: there are not that many
 * @throws {HoldfastError} corrupt: the header of one that is looked through cannot be read
 */
export async function findLatest(repository: Repository, reference: ByAge, reporter: Reporter): Promise<Snapshot> {
  const line = reference.line ?? { host: undefined, name: undefined, tags: [] };
  const here = hostname();
  const wanted = line.host ?? here;
  const matching = new Map<string, OfHost>();
  let isHostKnown = line.host !== undefined;
  for await (const snapshot of newestFirst(repository)) {
    const { host } = snapshot.header;
    isHostKnown ||= host === here;
    if (!isOfLine(snapshot, line)) continue;
    const found = matching.get(host) ?? { count: 0, meant: undefined };
    matching.set(host, found);
    if (found.count++ === reference.back) found.meant = snapshot;
    if (host === wanted && found.meant !== undefined) return found.meant;
  }
  const others = [...matching.keys()].filter((host) => host !== wanted);
  if (isHostKnown) throw tooFew(reference, wanted, matching.get(wanted)?.count ?? 0, others);
  const [only, another] = others;
  if (only === undefined) throw tooFew(reference, wanted, 0, []);
  if (another !== undefined) throw severalHosts(reference, here, others);
  const { count, meant } = matching.get(only)!;
  if (meant === undefined) throw tooFew(reference, only, count, []);
  const message = `No snapshot is of this host, ${here}: "${formatSnapshotReference(reference)}" is taken to mean that of ${only}, the only host that has one`;
  reporter.notice({ level: "warning", message });
  return meant;
}

/** The visible snapshots, from the newest on, without those that are removed and swept meanwhile. */
async function* newestFirst(repository: Repository): AsyncGenerator<Snapshot> {
  const records = liveRecords(repository);
  let size = firstBatch;
  for (let from = 0; from < records.length; from += size, size = Math.min(batchMax, size * 16)) {
    const batch = records.slice(from, from + size);
    await repository.loadHeaders(batch);
    for (const record of batch) {
      const snapshot = await unlessSwept(repository, record);
      if (snapshot !== undefined) yield snapshot;
    }
  }
}

async function unlessSwept(repository: Repository, record: SnapshotRecord): Promise<Snapshot | undefined> {
  try {
    return await readSnapshot(repository, record);
  } catch (error) {
    if (isHoldfastError(error, "absent")) return undefined;
    if (!isHoldfastError(error, "corrupt", "incompatible")) throw error;
    throw new HoldfastError(error.kind, `Cannot tell which snapshot is the latest: ${error.message}`, {
      cause: error,
      detail: error.detail,
      hint: "Name a snapshot by the beginning of its id, as `holdfast ls` lists it.",
    });
  }
}

function tooFew(reference: ByAge, host: string, count: number, others: readonly string[]): HoldfastError {
  const number = count === 1 ? "1 snapshot" : `${count} snapshots`;
  const message = `Cannot find "${formatSnapshotReference(reference)}": ${number} of the host ${host} ${count === 1 ? "matches" : "match"}`;
  const hint =
    others.length === 0 || reference.line?.host !== undefined
      ? "List the snapshots with `holdfast ls`."
      : `To mean that of another host, name it: ${spellings(reference, others)}.`;
  return new HoldfastError("absent", message, { hint });
}

function severalHosts(reference: ByAge, here: string, others: readonly string[]): HoldfastError {
  const message = `Cannot tell which snapshot "${formatSnapshotReference(reference)}" means: none is of this host, ${here}, and ${others.length} other hosts have some`;
  return new HoldfastError("invalid", message, { hint: `Name the host: ${spellings(reference, others)}.` });
}

/** How the reference is written for each of some hosts. */
function spellings(reference: ByAge, hosts: readonly string[]): string {
  const named = hosts
    .slice(0, hostsNamed)
    .map((host) => formatSnapshotReference({ ...reference, line: { host, name: undefined, tags: [] } }));
  const left = hosts.length - named.length;
  return `${named.join(", ")}${left > 0 ? ` or ${left} more` : ""}`;
}
