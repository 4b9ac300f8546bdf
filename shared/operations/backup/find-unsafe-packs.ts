import type { Reporter } from "#shared/operations/progress.ts";
import type { Repository } from "#shared/repository/repository.ts";
import type { KnownPack } from "#shared/repository/segment-table.ts";
import { packsPrefix, sha256HexOfKey } from "#shared/store/object-key.ts";

/**
 * What a backup must not build on, so that it stores again what it meets of it: blobs in packs that were condemned or swept, unless they were
 * moved; and those in packs that the store does not have, or has in another size.
 *
 * One request for a thousand packs. Damage inside a pack does not show here; `check --read` finds it.
 *
 * @returns whether a segment, by its ordinal, may be built on; undefined: all of them
 */
export async function findUnsafePacks(
  repository: Repository,
  reporter: Reporter,
): Promise<((segment: number) => boolean) | undefined> {
  const { segments } = repository;
  const missing = await missingPacks(repository);
  for (const { packId } of missing) {
    const message = `Pack ${packId} is missing or cut short: what this backup meets of it is stored again. Run check to see which snapshots are damaged.`;
    reporter.notice({ level: "warning", message });
  }
  if (missing.size === 0 && segments.isQuiet) return undefined;
  return (segment) =>
    segments.standing(segment) === "live" &&
    (missing.size === 0 || !missing.has(segments.packOf(segments.current(segment))));
}

/** The packs that should be in the store and are not there whole. */
async function missingPacks(repository: Repository): Promise<Set<KnownPack>> {
  const { store, segments } = repository;
  const missing = new Set<KnownPack>();
  if (segments.packs.length === 0) return missing;
  const sizes = new Map<string, number>();
  for await (const { key, sizeBytes } of store.list(packsPrefix)) {
    const name = sha256HexOfKey(key);
    if (name !== undefined) sizes.set(name, sizeBytes);
  }
  const known = segments.packs.filter((pack) => !repository.log.swept.has(pack.packId));
  for (const pack of known) if (sizes.get(pack.packId) !== pack.sizeBytes) missing.add(pack);
  if (missing.size === 0) return missing;
  // They may have been swept since the log was folded.
  await repository.refresh();
  for (const pack of missing) if (repository.log.swept.has(pack.packId)) missing.delete(pack);
  return missing;
}
