import { isHoldfastError } from "#shared/errors.ts";
import type { PackId, StateId } from "#shared/format/ids.ts";
import { resolveRow, rowsOf } from "#shared/log/resolve-row.ts";
import { type LogRules, logRules } from "#shared/log/rules/log-rules.ts";
import { copiedFrom, ModelEvents } from "./events.ts";
import type { Exploration, Step } from "./explore.ts";
import { explore } from "./explore.ts";
import { brokenIn, isLost } from "./invariants.ts";
import { type LogNode, ModelLog, type Proposal } from "./model-log.ts";
import { keyOf, type ModelBounds, type ModelFaults, type ModelState, withName } from "./model-state.ts";
import { bitmap, type ModelHead, ModelStore } from "./model-store.ts";

/** What a run of the model is about. */
export type ModelOptions = {
  readonly bounds: ModelBounds;
  readonly rules?: LogRules;
  readonly faults?: ModelFaults;
};

/** An entry that the rules allow. */
type Entry = { readonly label: string; readonly node: LogNode; readonly broken: string | undefined };

/**
 * The protocol of the log with any number of maintainers and some agents, as a model to be explored exhaustively.
 *
 * What actors do is taken in the largest steps that leave every outcome possible, and they are as careless as can be:
 * - An agent's run folds, deduplicates against live packs, and puts its pack and its state, in one step: nobody can tell how long
 *   that took, and to put earlier only gives sweepers more to sweep.
 * - A state that was ever staged may be published at any later time, by anyone, any number of times: so stand paused agents, crashed
 *   and resumed ones, lost replies, repeated and late puts.
 * - Maintainers have no memory: at any time any of them proposes any event about any object, with facts that may lack
 *   a snapshot or the relocations; only the rules keep them from it. A plan made long ago is among these.
 * - The grace period is over whenever it suits them: no clock can be worse.
 * - What is swept may be deleted at any time, by anyone, and put again by a late request.
 */
export class ProtocolModel {
  readonly #bounds: ModelBounds;
  readonly #faults: ModelFaults;
  readonly #store = new ModelStore();
  readonly #log: ModelLog;
  readonly #events: ModelEvents;
  readonly #initial: ModelState;
  /** Logs and objects that nothing is stuck at. Deletions follow sweeps, so they make no difference. */
  readonly #free = new Set<string>();
  readonly #entries = new Map<string, readonly Entry[]>();

  constructor(options: ModelOptions) {
    // At once, so that worlds are reached where relocations went.
    const rules = { ...(options.rules ?? logRules), goneRelocationsStay: 0 };
    this.#bounds = options.bounds;
    this.#faults = options.faults ?? {};
    this.#log = new ModelLog(this.#store, rules);
    this.#events = new ModelEvents(this.#store, rules);
    this.#initial = this.#firstState();
  }

  /** Reaches every state within the bounds. */
  explore(limitStates?: number): Exploration & { readonly logs: number } {
    const found = explore<ModelState>(
      {
        initial: this.#initial,
        key: keyOf,
        steps: (state) => this.#steps(state),
        broken: (state) => this.#broken(state),
      },
      limitStates,
    );
    return { ...found, logs: this.#log.size };
  }

  #broken(state: ModelState): string | undefined {
    try {
      return brokenIn(state, this.#store) ?? this.#stuck(state);
    } catch (error) {
      if (isHoldfastError(error)) return error.message;
      throw error;
    }
  }

  /** Two snapshots: S0 needs both segments of pack P0, S1 the first one of them. */
  #firstState(): ModelState {
    const pack = this.#store.pack("P0", "ab");
    let log = this.#log.root;
    for (const [name, packs, rows] of [
      ["S0", [pack], [0, 1]],
      ["S1", [], [0]],
    ] as const) {
      const references = [{ packId: pack.packId, segments: bitmap(rows) }];
      const wants = rows.length === 2 ? "ab" : "a";
      const head = this.#store.head(name, () => ({ packs, references, wants, baseSeq: 0 }));
      const appended = this.#log.append(log, [
        this.#events.commit(log.state, head, { revive: true, isWhole: () => true }),
      ]);
      if ("refusedBy" in appended) throw new Error(`the first state is refused by ${appended.refusedBy}`);
      log = appended.node;
    }
    return { log, put: ["P0", "S0", "S1"], deleted: [] };
  }

  *#steps(state: ModelState): Generator<Step<ModelState>, void, undefined> {
    yield* this.#runs(state);
    yield* this.#copies(state);
    yield* this.#deletions(state);
    if (state.log.state.seq - this.#initial.log.state.seq >= this.#bounds.entries) return;
    for (const { label, node, broken } of this.#entriesAfter(state)) {
      if (broken !== undefined) yield { label, broken };
      else yield { label, state: { ...state, log: node } };
    }
  }

  /** The entries that the rules allow, of all that anyone could think of. */
  #entriesAfter(state: ModelState): readonly Entry[] {
    // Of what is deleted only what was never swept matters to the rules.
    const lost = state.deleted.filter((name) => !this.#isSwept(state, name));
    const key = `${state.log.id} ${state.put.join()} ${lost.join()}`;
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const entries: Entry[] = [];
    for (const proposals of this.#proposals(state)) {
      const appended = this.#log.append(state.log, proposals);
      if ("refusedBy" in appended) continue;
      entries.push({ label: proposals.map((each) => each.text).join(" & "), ...appended });
    }
    this.#entries.set(key, entries);
    return entries;
  }

  /** Runs of agents: fold, deduplicate, put. */
  *#runs(state: ModelState): Generator<Step<ModelState>, void, undefined> {
    const staged = state.put.filter((name) => /^S[0-9]*\[/.test(name));
    const { lostPuts, restage } = this.#faults;
    if (staged.length < this.#bounds.runs) {
      for (const wants of this.#bounds.wants) {
        const head = this.#backup(state, wants);
        const own = head.packs.map((each) => each.name);
        const put = [...own, head.name].reduce(withName, state.put);
        yield { label: `a run wants ${wants}: ${[...own, head.name].join(" ")}`, state: { ...state, put } };
        const adopting = this.#adopt(state, head);
        if (adopting !== undefined)
          yield {
            label: `a run wants ${wants}, adopts ${adopting.name}`,
            state: { ...state, put: withName(state.put, adopting.name) },
          };
        if (lostPuts === true && own.length > 0)
          yield { label: `the same, its upload lost`, state: { ...state, put: withName(state.put, head.name) } };
      }
    }
    const [first] = staged;
    if (restage === true && first !== undefined) {
      const { packs, references, wants } = this.#store.headOf(first);
      const again = this.#store.head(`${first}'`, () => ({ packs, references, wants, baseSeq: 0, commit: first }));
      yield { label: `stage ${again.name}`, state: { ...state, put: withName(state.put, again.name) } };
    }
  }

  /** The state that a run gives which sees this log: what is in live packs is referenced, the rest in a pack of its own. */
  #backup(state: ModelState, wants: string): ModelHead {
    const number = state.put.filter((name) => name.startsWith("S")).length;
    const rows = new Map<PackId, number[]>();
    let missing = "";
    for (const content of wants) {
      const at = this.#findLive(state.log, content);
      if (at === undefined) missing += content;
      else rows.set(at.packId, [...(rows.get(at.packId) ?? []), at.row]);
    }
    const packs = missing === "" ? [] : [this.#store.pack(`U${number}<${missing}>`, missing)];
    for (const pack of packs)
      rows.set(
        pack.packId,
        Array.from(missing, (_each, row) => row),
      );
    const references = Array.from(rows, ([packId, marked]) => ({ packId, segments: bitmap(marked) }));
    const text = Array.from(rows, ([packId, marked]) => `${this.#store.packOf(packId).name}:${marked.join("")}`).join(
      " ",
    );
    return this.#store.head(`S${number}[${text}]`, () => ({ packs, references, wants, baseSeq: 0 }));
  }

  /** The same state with an orphan in the place of its own pack: what an earlier run uploaded and had no time to publish. */
  #adopt(state: ModelState, head: ModelHead): ModelHead | undefined {
    const [own] = head.packs;
    if (own === undefined) return undefined;
    const orphan = state.put.find(
      (name) =>
        name.startsWith("U") && this.#store.packOf(name).contents === own.contents && !this.#isSwept(state, name),
    );
    if (orphan === undefined) return undefined;
    const pack = this.#store.packOf(orphan);
    const references = head.references.map(({ packId, segments }) => ({
      packId: packId === own.packId ? pack.packId : packId,
      segments,
    }));
    const { wants, baseSeq } = head;
    const name = `${head.name.replace(own.name, orphan)}+${orphan}`;
    return this.#store.head(name, () => ({ packs: [pack], references, wants, baseSeq }));
  }

  /** Where deduplication finds a content: in a pack that a published state added, as far as it is live after all relocations. */
  #findLive({ state }: LogNode, content: string): { readonly packId: PackId; readonly row: number } | undefined {
    for (const stateId of state.snapshots.keys()) {
      for (const { packId, contents } of this.#store.headOf(stateId).packs) {
        const row = contents.indexOf(content);
        if (row < 0) continue;
        const at = resolveRow(state, packId, row);
        if (!state.condemned.has(at.packId) && !state.swept.has(at.packId)) return at;
      }
    }
    return undefined;
  }

  /** Copies of compactors: any rows of any pack that can be read. */
  *#copies(state: ModelState): Generator<Step<ModelState>, void, undefined> {
    const number = state.put.filter((name) => name.startsWith("N")).length;
    if (number >= this.#bounds.copies) return;
    for (const from of state.put) {
      if (from.startsWith("S") || isLost(from) || state.deleted.includes(from)) continue;
      const { contents } = this.#store.packOf(from);
      const all = Array.from(contents, (_each, row) => row);
      const choices = all.length === 1 ? [all] : [all, ...all.map((row) => [row])];
      for (const rows of choices) {
        const letters = rows.map((row) => contents[row]).join("");
        const copies = [[`N${number}<${from}:${rows.join("")}>`, letters]];
        if (this.#faults.lostPuts === true) copies.push([`N${number}<${from}:${rows.join("")}?>`, letters]);
        if (this.#faults.wrongCopies === true)
          copies.push(
            [`N${number}<${from}:${rows.join("")}!>`, letters.replaceAll(/./g, "z")],
            [`N${number}<${from}:${rows.join("")}-->`, `${letters}${letters}`],
          );
        for (const [name = "", copied = ""] of copies) {
          this.#store.pack(name, copied);
          yield { label: `copy ${name}`, state: { ...state, put: withName(state.put, name) } };
        }
      }
    }
  }

  /** Deletions of what is swept, and late puts that bring it back. */
  *#deletions(state: ModelState): Generator<Step<ModelState>, void, undefined> {
    for (const name of state.put) {
      const early =
        this.#faults.deleteFirst === true &&
        !name.startsWith("S") &&
        state.log.state.condemned.has(this.#store.packOf(name).packId);
      if (!this.#isSwept(state, name) && !early) continue;
      if (state.deleted.includes(name)) {
        const deleted = state.deleted.filter((each) => each !== name);
        yield { label: `late put of ${name}`, state: { ...state, deleted } };
      } else yield { label: `delete ${name}`, state: { ...state, deleted: withName(state.deleted, name) } };
    }
  }

  /** Every entry that anyone could think of. */
  *#proposals(state: ModelState): Generator<readonly Proposal[], void, undefined> {
    const events = this.#events;
    const { state: log } = state.log;
    const isWhole = (packId: PackId): boolean => this.#isWhole(state, packId);
    const packs = state.put.filter((name) => !name.startsWith("S")).map((name) => this.#store.packOf(name).packId);
    const heads = state.put.filter((name) => name.startsWith("S")).map((name) => this.#store.headOf(name));
    for (const head of heads) {
      yield [events.commit(log, head, { revive: true, isWhole })];
      yield [events.commit(log, head, { revive: false, isWhole })];
      yield [events.remove(head)];
      yield [events.undelete(log, head, { revive: true })];
      yield [events.undelete(log, head, { revive: false })];
      yield [events.sweep([], [head.stateId])];
    }
    const { isNeeded } = events.needs(log, "all");
    const unneeded = packs.filter((each) => !isNeeded(each) && !log.condemned.has(each) && !log.swept.has(each));
    if (unneeded.length > 1) yield [events.condemn(unneeded, "all")];
    const condemned = [...log.condemned.keys()];
    const hidden: StateId[] = heads
      .filter(({ stateId }) => log.snapshots.get(stateId)?.removed !== undefined || !log.snapshots.has(stateId))
      .map((each) => each.stateId)
      .filter((stateId) => !log.sweptStates.has(stateId));
    if (condemned.length > 1) yield [events.sweep(condemned, [])];
    if (condemned.length > 0 && hidden.length > 0) yield [events.sweep(condemned, hidden)];
    for (const packId of packs) {
      yield [events.condemn([packId], "all")];
      yield [events.condemn([packId], "all"), events.sweep([packId], [])];
      if (log.relocated.size > 0) yield [events.condemn([packId], "old relocations")];
      for (const { stateId, removed } of log.snapshots.values())
        if (removed === undefined) yield [events.condemn([packId], { without: stateId })];
      if (this.#faults.wrongCopies === true) yield [events.relocateOntoItself(this.#store.nameOf(packId), isWhole)];
      yield [events.revive(packId)];
      yield [events.sweep([packId], [])];
    }
    for (const copy of state.put.filter((name) => name.startsWith("N"))) {
      const relocate = events.relocate(copy, isWhole);
      yield [relocate];
      yield [relocate, events.condemn([this.#store.packOf(copiedFrom(copy).from).packId], "all")];
    }
  }

  #isSwept(state: ModelState, name: string): boolean {
    const { swept, sweptStates } = state.log.state;
    return name.startsWith("S")
      ? sweptStates.has(this.#store.headOf(name).stateId)
      : swept.has(this.#store.packOf(name).packId);
  }

  /** What a program has seen whole: a pack that was put and is not known to be lost, or that the log vouches for. */
  #isWhole(state: ModelState, packId: PackId): boolean {
    const { name } = this.#store.packOf(packId);
    if (isLost(name)) return false;
    return state.put.includes(name) && (!state.deleted.includes(name) || state.log.state.swept.has(packId));
  }

  /** No commit is blocked for ever, none is refused without need, and no garbage stays for ever. */
  #stuck(state: ModelState): string | undefined {
    if (Object.values(this.#faults).includes(true)) return undefined;
    const key = `${state.log.id} ${state.put.join()}`;
    if (this.#free.has(key)) return undefined;
    const found = this.#blockedBackup(state) ?? this.#refusedWithoutNeed(state) ?? this.#garbageForEver(state);
    if (found === undefined) this.#free.add(key);
    return found;
  }

  /** From here an agent's run, alone, ends in a published snapshot. */
  #blockedBackup(state: ModelState): string | undefined {
    for (const wants of this.#bounds.wants) {
      const head = this.#backup(state, wants);
      const commit = this.#events.commit(state.log.state, head, { revive: true, isWhole: () => true });
      const refusedBy = commit.forbidden(state.log.state);
      if (refusedBy !== undefined) return `a new backup of ${wants} is refused by ${refusedBy}`;
    }
    return undefined;
  }

  /** A commit or an undeletion is refused because of a sweep, or because it was done; for nothing else. */
  #refusedWithoutNeed(state: ModelState): string | undefined {
    const { state: log } = state.log;
    const isWhole = (packId: PackId): boolean => this.#isWhole(state, packId);
    for (const name of state.put) {
      if (!name.startsWith("S")) continue;
      const head = this.#store.headOf(name);
      const record = log.snapshots.get(head.stateId);
      if (record !== undefined && record.removed === undefined) continue;
      const proposal =
        record === undefined
          ? this.#events.commit(log, head, { revive: true, isWhole })
          : this.#events.undelete(log, head, { revive: true });
      const appended = this.#log.append(state.log, [proposal]);
      if (!("refusedBy" in appended)) continue;
      const swept = head.references.some(({ packId, segments }) =>
        Array.from(rowsOf(segments)).some((row) => log.swept.has(resolveRow(log, packId, row).packId)),
      );
      if (swept || log.sweptStates.has(head.stateId) || head.packs.some((each) => log.swept.has(each.packId))) continue;
      return `to ${proposal.text} is refused by ${appended.refusedBy}, and nothing that it needs was swept`;
    }
    return undefined;
  }

  /** What no live snapshot needs can be condemned and swept from here, and then the states that added nothing else. */
  #garbageForEver(state: ModelState): string | undefined {
    let { log } = state;
    const { isNeeded } = this.#events.needs(log.state, "all");
    const packs = state.put.filter((name) => !name.startsWith("S")).map((name) => this.#store.packOf(name).packId);
    const garbage = packs.filter((each) => !isNeeded(each) && !log.state.swept.has(each));
    const live = garbage.filter((each) => !log.state.condemned.has(each));
    for (const proposal of [
      ...(live.length > 0 ? [this.#events.condemn(live, "all")] : []),
      ...(garbage.length > 0 ? [this.#events.sweep(garbage, [])] : []),
    ]) {
      const appended = this.#log.append(log, [proposal]);
      if ("refusedBy" in appended) return `to ${proposal.text} is refused by ${appended.refusedBy}`;
      log = appended.node;
    }
    return undefined;
  }
}
