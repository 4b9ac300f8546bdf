import type { PackId, StateId } from "#shared/format/ids.ts";
import type { PackReference } from "#shared/format/state.ts";
import type { LogState } from "./log-state.ts";
import { resolveRow, rowsOf } from "./resolve-row.ts";
import type { NeedFacts } from "./rules/check-condemn.ts";

/**
 * What snapshots need, collected from the heads of their states: the facts by which packs may be condemned.
 *
 * Snapshots are added and never taken out: where one was removed meanwhile, more counts as needed than is, which is safe.
 * Memory: about 150 bytes for each pack that any of them references, and one bit for each of its segments.
 */
export class NeededPacks {
  readonly #references = new Map<PackId, Uint8Array>();
  readonly #covered = new Set<StateId>();

  /** Adds what one snapshot references, from the head of its state. */
  add(stateId: StateId, references: Iterable<PackReference>): void {
    if (this.#covered.has(stateId)) return;
    this.#covered.add(stateId);
    for (const { packId, segments } of references) {
      const known = this.#references.get(packId);
      this.#references.set(packId, known === undefined ? segments : union(known, segments));
    }
  }

  /** Whether a snapshot was added. */
  covers(stateId: StateId): boolean {
    return this.#covered.has(stateId);
  }

  /**
   * The facts for an event that follows `state`. Takes time for the packs that were relocated and are referenced; further ones at the same
   * relocations are for the asker to share.
   */
  facts(state: Pick<LogState, "relocated">): NeedFacts {
    const { relocated } = state;
    const targets = new Set<PackId>();
    for (const packId of relocated.keys()) {
      const segments = this.#references.get(packId);
      if (segments === undefined) continue;
      for (const row of rowsOf(segments)) targets.add(resolveRow(state, packId, row).packId);
    }
    return {
      relocated,
      covers: (stateId) => this.#covered.has(stateId),
      isNeeded: (packId) => targets.has(packId) || (this.#references.has(packId) && !relocated.has(packId)),
    };
  }
}

function union(left: Uint8Array, right: Uint8Array): Uint8Array {
  const [long, short] = left.byteLength >= right.byteLength ? [left, right] : [right, left];
  const all = Uint8Array.from(long);
  for (const [at, bits] of short.entries()) all[at] = (all[at] ?? 0) | bits;
  return all;
}
