import { verifySignature } from "#shared/crypto/signing.ts";
import { type PackId, parseId, type StateId } from "#shared/format/ids.ts";
import type { LogEvent } from "#shared/format/log-entry.ts";
import { decodePackHeader, packHeaderBytes, packTableRowBytes } from "#shared/format/pack.ts";
import type { PackKind } from "#shared/format/segment.ts";
import { decodeStateHead, type StateHead, type StatePack } from "#shared/format/state.ts";
import { frameHeaderBytes, frameTrailerBytes, readFrameHeader } from "#shared/format/frame.ts";
import { countRows, rowsOf } from "#shared/log/resolve-row.ts";
import { copiedPack, segmentIn } from "#shared/repository/copied-pack.testing.ts";
import { packKey, packsPrefix, sha256HexOfKey, stateKey, statesPrefix } from "#shared/store/object-key.ts";
import type { TinyStore } from "./tiny-session.testing.ts";

/**
 * Maintains a tiny store whose snapshot `removed` is removed: changes its objects as a compactor and a sweeper would, and gives the events
 * of the entries that they append, one list an entry.
 *
 * What the live snapshots need is moved to packs of two segments; those of them with an even number are moved once more; what is empty then is
 * swept. One pack is condemned and revived on the way.
 */
export function tinyMaintenance(tiny: TinyStore, removed: StateId): LogEvent[][] {
  const needed = new Map<PackId, Uint8Array>();
  for (const [stateId, head] of headsIn(tiny)) {
    if (stateId === removed) continue;
    for (const { packId, segments } of head.references) needed.set(packId, union(needed.get(packId), segments));
  }
  const old = packsIn(tiny);
  const live = old.filter((packId) => needed.has(packId));
  const first = relocation(tiny, live.map((packId) => ({ packId, segments: needed.get(packId) ?? new Uint8Array(0) })));
  const again = first.to.filter((_each, index) => index % 2 === 0);
  const second = relocation(
    tiny,
    again.map(({ packId, table }) => ({ packId, segments: allRows(table.byteLength / packTableRowBytes) })),
  );
  const [revived] = old;
  if (revived === undefined || again.length === 0 || again.length === first.to.length)
    throw new TypeError("The store is too small for all that is to be shown");
  const sweep = { type: "sweep", packs: [...old, ...again.map((each) => each.packId)].sort(), states: [removed] } as const;
  for (const packId of sweep.packs) tiny.objects.delete(packKey(packId));
  tiny.objects.delete(stateKey(removed));
  return [
    [{ type: "settings", graceMs: 3_600_000 }],
    [first],
    [{ type: "condemn", packs: old }],
    [{ type: "revive", packs: [revived] }],
    [second, { type: "condemn", packs: [revived, ...again.map((each) => each.packId)].sort() }],
    [sweep],
  ];
}

type Relocate = Extract<LogEvent, { type: "relocate" }>;

function relocation(tiny: TinyStore, from: Relocate["from"]): Relocate {
  const kinds = new Map(from.map(({ packId }) => [packId, kindOf(objectOf(tiny, packId))]));
  const sorted = [...from].sort((left, right) => ((kinds.get(left.packId) ?? "") < (kinds.get(right.packId) ?? "") ? -1 : 1));
  const to: StatePack[] = [];
  for (const kind of ["data", "meta"] as const) {
    const copies = sorted
      .filter(({ packId }) => kinds.get(packId) === kind)
      .flatMap(({ packId, segments }) => [...rowsOf(segments)].map((row) => segmentIn(objectOf(tiny, packId), row)));
    for (let at = 0; at < copies.length; at += 2) {
      const made = copiedPack({
        storeId: tiny.config.storeId,
        kind,
        salt: tiny.random(16),
        copies: copies.slice(at, at + 2),
      });
      tiny.objects.set(packKey(made.pack.packId), made.object);
      to.push(made.pack);
    }
  }
  const rows = to.reduce((sum, each) => sum + each.table.byteLength / packTableRowBytes, 0);
  if (rows !== sorted.reduce((sum, each) => sum + countRows(each.segments), 0)) throw new TypeError("Rows were lost");
  return { type: "relocate", from: sorted.map((each) => ({ ...each, segments: trimmed(each.segments) })), to };
}

function headsIn(tiny: TinyStore): [StateId, StateHead][] {
  return [...tiny.objects]
    .filter(([key]) => key.startsWith(statesPrefix))
    .map(([key, bytes]) => {
      const head = bytes.subarray(0, frameHeaderBytes + readFrameHeader("state", bytes, key) + frameTrailerBytes);
      return [parseId("state", key.slice(-64)), decodeStateHead(head, key, verifySignature)];
    });
}

function packsIn(tiny: TinyStore): PackId[] {
  return [...tiny.objects.keys()]
    .filter((key) => key.startsWith(packsPrefix))
    .map((key) => parseId("pack", sha256HexOfKey(key) ?? ""))
    .sort();
}

function objectOf(tiny: TinyStore, packId: PackId): Uint8Array {
  return tiny.objects.get(packKey(packId)) ?? new Uint8Array(0);
}

function kindOf(object: Uint8Array): PackKind {
  return decodePackHeader(object.subarray(0, packHeaderBytes), "a pack").kind;
}

function union(left: Uint8Array | undefined, right: Uint8Array): Uint8Array {
  return right.map((bits, at) => bits | (left?.[at] ?? 0));
}

function allRows(count: number): Uint8Array {
  const segments = new Uint8Array(Math.ceil(count / 8));
  for (let row = 0; row < count; row++) segments[row >>> 3] = (segments[row >>> 3] ?? 0) | (1 << (row & 7));
  return segments;
}

/** A bitmap of an event ends with a byte that is not zero. */
function trimmed(segments: Uint8Array): Uint8Array {
  return segments.subarray(0, segments.findLastIndex((bits) => bits !== 0) + 1);
}
