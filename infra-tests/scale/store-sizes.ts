import type { PackId } from "#shared/format/ids.ts";
import { packTableRowBytes, readPackTableRow } from "#shared/format/pack.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { readPlacedPacks } from "#shared/log/read-placed-packs.ts";
import { readStateHead } from "#shared/log/read-state-head.ts";
import { resolveRow, rowsOf } from "#shared/log/resolve-row.ts";
import { packKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";

/** What a store holds, in bytes. */
export type StoreSizes = {
  /** Sealed segments that live snapshots reference, each counted once: the live data. */
  readonly liveBytes: number;
  /** All objects. */
  readonly storeBytes: number;
  /** Of those, condemned packs: they wait for the end of the grace period. */
  readonly condemnedBytes: number;
  /** Objects by the first part of their keys: `packs`, `states`, `log`, `checkpoints`. */
  readonly byPrefix: ReadonlyMap<string, { readonly objects: number; readonly bytes: number }>;
  readonly liveSnapshots: number;
};

/** Measures a store: the readable twin of what a compaction's census counts. */
export async function storeSizes(store: Store, log: LogState): Promise<StoreSizes> {
  const tables = new Map<PackId, Uint8Array>();
  const live = new Set<string>();
  let liveSnapshots = 0;
  await readPlacedPacks({ store, log, isMeant: () => true, use: (pack) => void tables.set(pack.packId, pack.table) });
  for (const record of log.snapshots.values()) {
    const { head } = await readStateHead(store, log.storeId, record);
    for (const pack of head.packs) tables.set(pack.packId, pack.table);
    if (record.removed !== undefined) continue;
    liveSnapshots++;
    for (const { packId, segments } of head.references) {
      for (const row of rowsOf(segments)) {
        const at = resolveRow(log, packId, row);
        live.add(`${at.packId}/${at.row}`);
      }
    }
  }
  let liveBytes = 0;
  for (const place of live) {
    const [packId = "", row = ""] = place.split("/");
    const table = tables.get(packId as PackId);
    if (table === undefined || (Number(row) + 1) * packTableRowBytes > table.byteLength)
      throw new Error(`No state and no relocation tells of ${place}`);
    liveBytes += readPackTableRow(table, Number(row)).segmentBytes;
  }
  let [storeBytes, condemnedBytes] = [0, 0];
  const byPrefix = new Map<string, { objects: number; bytes: number }>();
  const condemned = new Set([...log.condemned.keys()].map((packId) => packKey(packId)));
  for await (const { key, sizeBytes } of store.list("")) {
    storeBytes += sizeBytes;
    if (condemned.has(key)) condemnedBytes += sizeBytes;
    const prefix = key.split("/")[0] ?? "";
    const sums = byPrefix.get(prefix) ?? { objects: 0, bytes: 0 };
    byPrefix.set(prefix, { objects: sums.objects + 1, bytes: sums.bytes + sizeBytes });
  }
  return { liveBytes, storeBytes, condemnedBytes, byPrefix, liveSnapshots };
}
