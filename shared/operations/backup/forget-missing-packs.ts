import type { Reporter } from "#shared/operations/progress.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { packsPrefix, sha256HexOfKey } from "#shared/store/object-key.ts";

/**
 * Compares the packs that states tell of with a listing of the store, and forgets what was in those that are missing or have
 * another size: a backup must not build on them, and stores again what it meets of it.
 *
 * One request for a thousand packs. Damage inside a pack does not show here; `check --read` finds it.
 */
export async function forgetMissingPacks(repository: Repository, reporter: Reporter): Promise<void> {
  const { store, segments, index } = repository;
  if (segments.packs.length === 0) return;
  const sizes = new Map<string, number>();
  for await (const { key, sizeBytes } of store.list(packsPrefix)) {
    const name = sha256HexOfKey(key);
    if (name !== undefined) sizes.set(name, sizeBytes);
  }
  const missing = segments.packs.filter((pack) => sizes.get(pack.packId) !== pack.sizeBytes);
  if (missing.length === 0) return;
  for (const { packId } of missing) {
    const message = `Pack ${packId} is missing or cut short: what this backup meets of it is stored again. Run check to see which snapshots are damaged.`;
    reporter.notice({ level: "warning", message });
  }
  index.forgetSegments((segment) => missing.includes(segments.packOf(segment)));
}
