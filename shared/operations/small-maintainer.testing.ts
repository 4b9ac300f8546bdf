import type { Clock } from "#shared/clock.ts";
import { createSigner } from "#shared/crypto/signing.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { PackId, StateId } from "#shared/format/ids.ts";
import type { LogEvent } from "#shared/format/log-entry.ts";
import { packTableRowBytes } from "#shared/format/pack.ts";
import type { StateHead, StatePack } from "#shared/format/state.ts";
import { appendEntry } from "#shared/log/append-entry.ts";
import { emptyLogState, type LogState } from "#shared/log/log-state.ts";
import { NeededPacks } from "#shared/log/needed-packs.ts";
import { readLog } from "#shared/log/read-log.ts";
import { readPlacedPacks } from "#shared/log/read-placed-packs.ts";
import { readStateHead } from "#shared/log/read-state-head.ts";
import { countRows, resolveRow, rowsOf } from "#shared/log/resolve-row.ts";
import { checkCondemn } from "#shared/log/rules/check-condemn.ts";
import { checkRelocate } from "#shared/log/rules/check-relocate.ts";
import { checkSweep } from "#shared/log/rules/check-sweep.ts";
import type { Violation } from "#shared/log/violation.ts";
import { systemRandom } from "#shared/random.ts";
import { type CopiedSegment, copiedPack, segmentIn } from "#shared/repository/copied-pack.testing.ts";
import { readConfig } from "#shared/repository/open-repository.ts";
import { packKey, packsPrefix, sha256HexOfKey, stateKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { impatientClock } from "./small-store.testing.ts";

/**
 * A maintainer of small stores, for tests: the readable twin of what `maintenance` does, without plans or limits. It reads everything
 * each time, applies every rule, and takes the grace period for over.
 */

const signer = createSigner(new Uint8Array(32).fill(77));
const graceMs = 7 * 24 * 3_600_000;
/** The clock of a sweeper that comes after the grace period. */
const laterClock: Clock = { ...impatientClock, nowMs: () => Date.now() + 2 * graceMs };

type Survey = {
  readonly log: LogState;
  readonly heads: ReadonlyMap<StateId, StateHead>;
  readonly needed: NeededPacks;
  /** Packs that states added or relocations placed. */
  readonly packs: ReadonlyMap<PackId, StatePack>;
};

async function survey(store: Store): Promise<Survey> {
  const { config } = await readConfig(store);
  const log = await readLog({ store, from: emptyLogState(config.storeId) });
  const heads = new Map<StateId, StateHead>();
  const needed = new NeededPacks();
  const packs = new Map<PackId, StatePack>();
  for (const record of log.snapshots.values()) {
    const { head } = await readStateHead(store, config.storeId, record);
    heads.set(record.stateId, head);
    for (const pack of head.packs) packs.set(pack.packId, pack);
    if (record.removed === undefined) needed.add(record.stateId, head.references);
  }
  await readPlacedPacks({ store, log, isMeant: () => true, use: (pack) => void packs.set(pack.packId, pack) });
  return { log, heads, needed, packs };
}

function appenderOf(store: Store, from: LogState, clock: Clock = impatientClock) {
  return { store, signer, clock, random: systemRandom, from };
}

function unlessForbidden<Event extends LogEvent>(event: Event, found: Violation | undefined): Event {
  if (found === undefined) return event;
  throw new HoldfastError(found.kind, found.reason, { detail: { rule: found.rule } });
}

/** Condemns everything in `packs/` that no live snapshot needs, also what no state tells of. @returns what it condemned */
export async function condemnUnneeded(store: Store): Promise<readonly PackId[]> {
  const { log, needed } = await survey(store);
  const there: PackId[] = [];
  for await (const { key } of store.list(packsPrefix)) there.push(sha256HexOfKey(key) as PackId);
  let condemned: readonly PackId[] = [];
  await appendEntry(appenderOf(store, log), (state) => {
    const facts = needed.facts(state);
    condemned = there.filter((each) => !facts.isNeeded(each) && !state.condemned.has(each) && !state.swept.has(each));
    if (condemned.length === 0) return [];
    const event = { type: "condemn", packs: condemned } as const;
    return [unlessForbidden(event, checkCondemn(state, event, facts))];
  });
  return condemned;
}

/** Condemns packs against the rule that they must not be needed: what a faulty maintainer does. */
export async function condemnWrongly(store: Store, packs: readonly PackId[]): Promise<void> {
  const { log } = await survey(store);
  await appendEntry(appenderOf(store, log), (state) => [
    { type: "condemn", packs: packs.filter((each) => !state.condemned.has(each) && !state.swept.has(each)) },
  ]);
}

/** Sweeps all that is condemned and the states that are empty then, and deletes them. @returns how many packs */
export async function sweepCondemned(
  store: Store,
  options: { readonly states?: boolean; readonly deletes?: boolean } = {},
): Promise<number> {
  const { log, heads } = await survey(store);
  const packs = [...log.condemned.keys()];
  const isSwept = (packId: PackId): boolean => log.swept.has(packId) || packs.includes(packId);
  const isEmpty = (head: StateHead): boolean =>
    head.packs.every((pack) => rowsIn(pack).every((row) => isSwept(resolveRow(log, pack.packId, row).packId)));
  const states = [...log.snapshots.values()].flatMap(({ stateId, removed }) => {
    const head = heads.get(stateId);
    return options.states !== false && removed !== undefined && head !== undefined && isEmpty(head) ? [stateId] : [];
  });
  if (packs.length + states.length === 0) return 0;
  const result = await appendEntry(appenderOf(store, log, laterClock), (state) => {
    const event = {
      type: "sweep",
      packs: packs.filter((each) => state.condemned.has(each)),
      states: states.filter((each) => !state.sweptStates.has(each)),
    } as const;
    if (event.packs.length + event.states.length === 0) return [];
    const packsOf = (stateId: StateId): readonly StatePack[] => heads.get(stateId)?.packs ?? [];
    return [
      unlessForbidden(
        event,
        checkSweep(state, event, { graceMs, timeMs: laterClock.nowMs(), storeAgeMs: () => undefined, packsOf }),
      ),
    ];
  });
  if (options.deletes === false) return packs.length;
  for (const packId of result.state.swept.keys()) await store.delete(packKey(packId));
  for (const stateId of result.state.sweptStates.keys()) await store.delete(stateKey(stateId));
  return packs.length;
}

/** Sweeps a state that no entry published, as an orphan, and deletes it. */
export async function sweepOrphanState(store: Store, stateId: StateId): Promise<void> {
  const { log } = await survey(store);
  await appendEntry(appenderOf(store, log), (state) => {
    const event = { type: "sweep", packs: [], states: [stateId] } as const;
    const facts = { graceMs, timeMs: Date.now(), storeAgeMs: () => undefined, packsOf: () => [] };
    return [unlessForbidden(event, checkSweep(state, event, facts))];
  });
  await store.delete(stateKey(stateId));
}

/**
 * Copies what live snapshots need of packs into new ones, two rows a pack at most, and condemns the old ones that nothing needs any more.
 *
 * @param chosen - of the packs that are live and were not relocated
 * @returns how many packs were emptied
 */
export async function relocatePacks(store: Store, chosen: (pack: StatePack) => boolean = () => true): Promise<number> {
  const { log, heads, packs } = await survey(store);
  const wanted = new Map<PackId, Set<number>>();
  for (const { stateId, removed } of log.snapshots.values()) {
    if (removed !== undefined) continue;
    for (const { packId, segments } of heads.get(stateId)?.references ?? []) {
      for (const row of rowsOf(segments)) {
        const at = resolveRow(log, packId, row);
        const pack = packs.get(at.packId);
        if (pack === undefined || log.relocated.has(at.packId) || log.condemned.has(at.packId) || !chosen(pack))
          continue;
        const rows = wanted.get(at.packId) ?? new Set();
        wanted.set(at.packId, rows.add(at.row));
      }
    }
  }
  if (wanted.size === 0) return 0;
  const from: { packId: PackId; segments: Uint8Array }[] = [];
  const to: StatePack[] = [];
  for (const kind of ["data", "meta"] as const) {
    const copies: CopiedSegment[] = [];
    for (const [packId, rows] of [...wanted].filter(([each]) => packs.get(each)?.kind === kind)) {
      const segments = new Uint8Array((Math.max(...rows) >>> 3) + 1);
      for (const row of rows) segments[row >>> 3] = (segments[row >>> 3] ?? 0) | (1 << (row & 7));
      from.push({ packId, segments });
      const object = await store.get(packKey(packId));
      for (const row of rowsOf(segments)) copies.push(segmentIn(object, row));
    }
    while (copies.length > 0) to.push(await putCopies(store, kind, copies.splice(0, 2)));
  }
  await appendEntry(appenderOf(store, log), (state) => {
    const event = { type: "relocate", from, to } as const;
    const packOf = (packId: PackId): StatePack | undefined => packs.get(packId);
    return [unlessForbidden(event, checkRelocate(state, event, { packOf, isWhole: () => true }))];
  });
  const moved = from.reduce((sum, each) => sum + countRows(each.segments), 0);
  if (moved !== to.reduce((sum, each) => sum + rowsIn(each).length, 0)) throw new Error("rows were lost");
  return from.length;
}

/** All of it: relocate, condemn, sweep, delete. */
export async function maintainAll(store: Store): Promise<void> {
  await relocatePacks(store);
  await condemnUnneeded(store);
  await sweepCondemned(store);
}

function rowsIn(pack: Pick<StatePack, "table">): number[] {
  return Array.from({ length: pack.table.byteLength / packTableRowBytes }, (_each, row) => row);
}

async function putCopies(store: Store, kind: StatePack["kind"], copies: readonly CopiedSegment[]): Promise<StatePack> {
  const { config } = await readConfig(store);
  const { pack, object } = copiedPack({ storeId: config.storeId, kind, salt: systemRandom(16), copies });
  await store.put(packKey(pack.packId), [object]);
  return pack;
}
