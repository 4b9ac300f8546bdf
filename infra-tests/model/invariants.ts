import { resolvePacks, resolveRow, rowsOf } from "#shared/log/resolve-row.ts";
import type { ModelState } from "./model-state.ts";
import type { ModelHead, ModelStore } from "./model-store.ts";

/**
 * What must hold in every state of the world; what is broken, in words, or undefined.
 *
 * - Every segment that a live snapshot references is in the pack to which relocations lead, which is there and not swept.
 * - Its blobs are found: a published state that is there names them.
 * - Nothing is gone that was not swept before: so a condemned pack can be read.
 * - A removed snapshot can be brought back whole, or the rules refuse it.
 */
export function brokenIn(world: ModelState, store: ModelStore): string | undefined {
  const { state } = world.log;
  for (const name of world.deleted) {
    const swept = name.startsWith("S")
      ? state.sweptStates.has(store.headOf(name).stateId)
      : state.swept.has(store.packOf(name).packId);
    if (!swept) return `${name} is gone and was not swept`;
  }
  for (const { stateId, removed } of state.snapshots.values()) {
    const head = store.headOf(stateId);
    if (removed !== undefined && [...resolvePacks(state, head.references)].some((each) => state.swept.has(each)))
      continue; // It cannot be brought back: the rules say so.
    const what = removed === undefined ? `live snapshot ${head.name}` : `removed snapshot ${head.name}`;
    const found = brokenSnapshot(world, store, head, removed === undefined);
    if (found !== undefined) return `${what} ${found}`;
  }
  return undefined;
}

function brokenSnapshot(world: ModelState, store: ModelStore, head: ModelHead, isLive: boolean): string | undefined {
  const { state } = world.log;
  const isThere = (name: string): boolean => world.put.includes(name) && !world.deleted.includes(name) && !isLost(name);
  if (!isThere(head.name)) return "has lost its state";
  let contents = "";
  for (const { packId, segments } of head.references) {
    for (const row of rowsOf(segments)) {
      const at = resolveRow(state, packId, row);
      const pack = store.packOf(at.packId);
      if (state.swept.has(at.packId)) return `needs ${pack.name}, which was swept`;
      if (isLive && state.condemned.has(at.packId)) return `needs ${pack.name}, which is condemned`;
      if (!isThere(pack.name)) return `needs ${pack.name}, which is gone`;
      contents += pack.contents[at.row] ?? "?";
    }
  }
  if (inOrder(contents) !== inOrder(head.wants)) return `reads ${contents}, not ${head.wants}`;
  for (const content of head.wants)
    if (!isIndexed(world, store, content)) return `cannot find ${content}: no state names it`;
  return undefined;
}

/** Whether a published state that is there names a content, and it can be read where relocations lead. */
function isIndexed(world: ModelState, store: ModelStore, content: string): boolean {
  const { state } = world.log;
  for (const stateId of state.snapshots.keys()) {
    const head = store.headOf(stateId);
    if (world.deleted.includes(head.name)) continue;
    for (const { packId, contents } of head.packs) {
      const row = contents.indexOf(content);
      if (row >= 0 && !state.swept.has(resolveRow(state, packId, row).packId)) return true;
    }
  }
  return false;
}

/** Whether a copy only seemed to be put: by its name, which ends in a question mark. */
export function isLost(name: string): boolean {
  return name.endsWith("?>");
}

function inOrder(letters: string): string {
  return letters.split("").sort().join("");
}
