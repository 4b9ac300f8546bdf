import type { PackId, StateId } from "#shared/format/ids.ts";
import type { LogState } from "#shared/log/log-state.ts";
import { NeededPacks } from "#shared/log/needed-packs.ts";
import { emptyLogState } from "#shared/log/log-state.ts";
import { resolvePacks } from "#shared/log/resolve-row.ts";
import type { LogRules } from "#shared/log/rules/log-rules.ts";
import { packsNeeded } from "#shared/log/rules/packs-needed.ts";
import type { AppendRule } from "#shared/log/rules/rule.ts";
import type { RuleName } from "#shared/log/violation.ts";
import type { Proposal } from "./model-log.ts";
import { bitmap, type ModelHead, modelStoreId, type ModelStore } from "./model-store.ts";

/** Which snapshots someone took into account who condemns: all, all but one (published since), or all under no relocations. */
export type NeedView = "all" | "old relocations" | { readonly without: StateId };

/** Makes the events that actors propose, each with the append-time rules of its type and the facts that its actor goes by. */
export class ModelEvents {
  readonly #store: ModelStore;
  readonly #rules: LogRules;

  constructor(store: ModelStore, rules: LogRules) {
    this.#store = store;
    this.#rules = rules;
  }

  /** Publishes a state; `revive` false: and forgets to revive. */
  commit(
    state: LogState,
    head: ModelHead,
    options: { revive: boolean; isWhole: (packId: PackId) => boolean },
  ): Proposal {
    const { stateId, commitId, name } = head;
    const revive = options.revive
      ? [...packsNeeded(state, head)].filter((each) => state.condemned.has(each)).sort()
      : [];
    const event = { type: "commit", stateId, commitId, headBytes: 1, stateBytes: 1, revive } as const;
    const facts = { head, isWhole: options.isWhole };
    const whole = head.packs.every((each) => options.isWhole(each.packId));
    return {
      event,
      text: `publish ${name}${options.revive ? "" : " without reviving"}${whole ? "" : " not whole"}`,
      forbidden: (at) => firstBroken(this.#rules.commit.append, at, event, facts),
    };
  }

  remove(head: ModelHead): Proposal {
    const event = { type: "remove", snapshots: [head.stateId] } as const;
    return { event, text: `remove ${head.name}`, forbidden: () => undefined };
  }

  undelete(state: LogState, head: ModelHead, options: { revive: boolean }): Proposal {
    const needed = resolvePacks(state, head.references);
    const revive = options.revive ? [...needed].filter((each) => state.condemned.has(each)).sort() : [];
    const event = { type: "undelete", snapshots: [head.stateId], revive } as const;
    const facts = { referencesOf: (stateId: StateId) => this.#store.headOf(stateId).references };
    return {
      event,
      text: `undelete ${head.name}${options.revive ? "" : " without reviving"}`,
      forbidden: (at) => firstBroken(this.#rules.undelete.append, at, event, facts),
    };
  }

  condemn(packs: readonly PackId[], view: NeedView): Proposal {
    const event = { type: "condemn", packs } as const;
    const how = typeof view === "string" ? view : `all but ${this.#store.headOf(view.without).name}`;
    return {
      event,
      text: `condemn ${this.#names(packs)} (knows ${how})`,
      forbidden: (at) => firstBroken(this.#rules.condemn.append, at, event, this.needs(at, view)),
    };
  }

  /** What is needed, as someone sees it who has this view of the snapshots. */
  needs(state: LogState, view: NeedView): ReturnType<NeededPacks["facts"]> {
    const needed = new NeededPacks();
    for (const { stateId, removed } of state.snapshots.values()) {
      const isUnknown = typeof view !== "string" && view.without === stateId;
      if (removed === undefined && !isUnknown) needed.add(stateId, this.#store.headOf(stateId).references);
    }
    return needed.facts(view === "old relocations" ? emptyLogState(modelStoreId) : state);
  }

  revive(packId: PackId): Proposal {
    const event = { type: "revive", packs: [packId] } as const;
    return { event, text: `revive ${this.#names([packId])}`, forbidden: () => undefined };
  }

  /** The grace period is over whenever it suits the sweeper: that is what the worst clock does. */
  sweep(packs: readonly PackId[], states: readonly StateId[]): Proposal {
    const event = { type: "sweep", packs, states } as const;
    const facts = {
      graceMs: 0,
      timeMs: 0,
      storeAgeMs: () => 0,
      packsOf: (stateId: StateId) => this.#store.headOf(stateId).packs,
    };
    return {
      event,
      text: `sweep ${this.#names([...packs, ...states])}`,
      forbidden: (at) => firstBroken(this.#rules.sweep.append, at, event, facts),
    };
  }

  /** Moves what a copier has copied to pack `copy`, whose name says from where: `N1<P0:01>`. */
  relocate(copy: string, isWhole: (packId: PackId) => boolean): Proposal {
    const { from, rows } = copiedFrom(copy);
    const whole = isWhole(this.#store.packOf(copy).packId) ? "" : " not whole";
    return this.#move(`relocate ${copy}${whole}`, { from, rows, to: copy, isWhole });
  }

  /** Moves the segments of a pack to that very pack. */
  relocateOntoItself(name: string, isWhole: (packId: PackId) => boolean): Proposal {
    const rows = Array.from(this.#store.packOf(name).contents, (_each, row) => row);
    return this.#move(`relocate ${name} onto itself`, { from: name, rows, to: name, isWhole });
  }

  #move(
    text: string,
    move: { from: string; rows: readonly number[]; to: string; isWhole: (packId: PackId) => boolean },
  ): Proposal {
    const { packId, kind, sizeBytes, table } = this.#store.packOf(move.to);
    const event = {
      type: "relocate",
      from: [{ packId: this.#store.packOf(move.from).packId, segments: bitmap(move.rows) }],
      to: [{ packId, kind, sizeBytes, table }],
    } as const;
    const facts = { packOf: (id: PackId) => this.#store.packOf(id), isWhole: move.isWhole };
    return { event, text, forbidden: (at) => firstBroken(this.#rules.relocate.append, at, event, facts) };
  }

  #names(ids: readonly (PackId | StateId)[]): string {
    return ids.map((id) => this.#store.nameOf(id)).join("+");
  }
}

/** From where a copier's pack was copied, by its name. */
export function copiedFrom(copy: string): { readonly from: string; readonly rows: readonly number[] } {
  const match = /^N\d+<(.*):(\d+)[!?-]*>$/.exec(copy);
  if (match === null) throw new Error(`${copy} is not a copy`);
  return { from: match[1] ?? "", rows: Array.from(match[2] ?? "", Number) };
}

function firstBroken<Event, Facts>(
  rules: readonly AppendRule<Event, Facts>[],
  state: LogState,
  event: Event,
  facts: Facts,
): RuleName | undefined {
  for (const rule of rules) if (rule.check(state, event, facts) !== undefined) return rule.name;
  return undefined;
}
