import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { SnapshotSource } from "#shared/format/snapshot.ts";
import type { SnapshotRecord } from "#shared/log/log-state.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { liveRecords, readSnapshot, type Snapshot } from "#shared/snapshot/read-snapshot.ts";

/** Snapshots that are looked at, from the newest on, to find one that a backup can be compared with. */
const lookedAtMax = 512;

/** A source of an earlier snapshot to compare with. */
export type ParentSource = { readonly snapshot: Snapshot; readonly source: SnapshotSource };

/** What is backed up, as far as it tells which earlier sources it continues. */
type Root = { readonly type: string; readonly origin: string; readonly root: string };

/**
 * For each of `roots` the newest earlier backup of the same root in a snapshot of the same host and name, or undefined.
 *
 * A key that may not read earlier sessions finds none; snapshots that cannot be read are passed over.
 */
export async function findParents(
  repository: Repository,
  roots: readonly Root[],
  { host, name }: { readonly host: string; readonly name: string },
): Promise<(ParentSource | undefined)[]> {
  const found: (ParentSource | undefined)[] = roots.map(() => undefined);
  if (repository.keys.role !== "owner") return found;
  for (const record of liveRecords(repository).slice(0, lookedAtMax)) {
    if (found.every((each) => each !== undefined)) break;
    let snapshot: Snapshot;
    try {
      snapshot = await readSnapshot(repository, record);
    } catch (error) {
      if (isHoldfastError(error, "absent", "corrupt", "incompatible")) continue;
      throw error;
    }
    const { header } = snapshot;
    if (header.host !== host || header.name !== name) continue;
    for (const [index, wanted] of roots.entries()) {
      const source = header.sources.find((each) => isSameRoot(each, wanted) && each.origin === wanted.origin);
      if (source !== undefined) found[index] ??= { snapshot, source };
    }
  }
  return found;
}

/**
 * For each of `roots` the source of a chosen snapshot: that with the same root; else, where it has as many sources as there are roots, the
 * one at the same position, which may have been elsewhere then.
 *
 * @throws {HoldfastError} invalid: the snapshot has nothing to compare with; denied: this key may not read it; corrupt: it cannot be read
 */
export async function chosenParents(
  repository: Repository,
  roots: readonly Root[],
  chosen: SnapshotRecord,
): Promise<(ParentSource | undefined)[]> {
  const shown = chosen.stateId.slice(0, 8);
  if (repository.keys.role !== "owner") {
    throw new HoldfastError("denied", `Cannot compare with snapshot ${shown}: only an owner's key can read it`, {
      hint: "Leave --parent out.",
    });
  }
  const snapshot = await readSnapshot(repository, chosen);
  const { sources } = snapshot.header;
  const byRoot = roots.map((wanted) => sources.find((each) => isSameRoot(each, wanted)));
  const found = byRoot.map((source, index) => {
    if (source !== undefined || sources.length !== roots.length) return source;
    const other = sources[index];
    return other === undefined || byRoot.includes(other) || other.type !== roots[index]?.type ? undefined : other;
  });
  if (found.every((source) => source === undefined)) {
    throw new HoldfastError("invalid", `Cannot compare with snapshot ${shown}: it has none of the paths to back up`, {
      hint: "Choose a snapshot with the same paths, or with as many, which are then compared in their order.",
    });
  }
  return found.map((source) => (source === undefined ? undefined : { snapshot, source }));
}

function isSameRoot(source: SnapshotSource, wanted: Root): boolean {
  return source.type === wanted.type && source.root === wanted.root;
}
