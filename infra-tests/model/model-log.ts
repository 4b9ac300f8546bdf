import { decodeFoldSection, encodeFoldSection } from "#shared/format/fold-section.ts";
import { type CommitId, parseId, type StateId } from "#shared/format/ids.ts";
import type { LogEvent } from "#shared/format/log-entry.ts";
import { applyEvent } from "#shared/log/apply-event.ts";
import { foldFromCheckpoint, foldToCheckpoint } from "#shared/log/checkpoint-fold.ts";
import { judgeEntry } from "#shared/log/fold-entry.ts";
import { emptyLogState, type LogState } from "#shared/log/log-state.ts";
import type { LogRules } from "#shared/log/rules/log-rules.ts";
import type { RuleName } from "#shared/log/violation.ts";
import { type ModelStore, modelStoreId } from "./model-store.ts";

// Who wrote an entry, and what its bytes hash to, decides nothing in the model: there is one log.
const noAuthor = new Uint8Array(32);
const noHash = new Uint8Array(32);

/** A log, up to its last entry. Logs of equal length whose folds say the same are one node. */
export type LogNode = {
  readonly id: number;
  readonly state: LogState;
  /** What the fold says, for keys and for people. */
  readonly text: string;
};

/** An event that someone wants to append, and the append-time rules that they apply to it. */
export type Proposal = {
  readonly event: LogEvent;
  /** Names the event, and the facts by which it is judged. */
  readonly text: string;
  /** The append-time rule that forbids it after `state`. */
  readonly forbidden: (state: LogState) => RuleName | undefined;
};

/** What came of an append. */
export type AppendResult =
  | { readonly node: LogNode; readonly broken: string | undefined }
  | { readonly refusedBy: RuleName };

/**
 * All logs that the model has reached. Entries are judged by the rules of `shared/log` themselves; every answer is remembered, because
 * rules are pure.
 */
export class ModelLog {
  readonly root: LogNode;
  readonly #rules: LogRules;
  readonly #store: ModelStore;
  readonly #nodes = new Map<string, LogNode>();
  readonly #answers = new Map<string, AppendResult>();
  #attempts = 0;

  constructor(store: ModelStore, rules: LogRules) {
    this.#store = store;
    this.#rules = rules;
    this.root = this.#intern(emptyLogState(modelStoreId));
  }

  /** How many different logs there are. */
  get size(): number {
    return this.#nodes.size;
  }

  /** What comes of an entry with these events at the end of `node`, as any appender does it. */
  append(node: LogNode, proposals: readonly Proposal[]): AppendResult {
    const key = `${node.id} ${proposals.map((each) => each.text).join(" & ")}`;
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const answer = this.#judge(node, proposals);
    this.#answers.set(key, answer);
    return answer;
  }

  #judge(node: LogNode, proposals: readonly Proposal[]): AppendResult {
    const moment = { seq: node.state.seq + 1, timeMs: 0 };
    let state = node.state;
    for (const { event, forbidden } of proposals) {
      const refusedBy = forbidden(state);
      if (refusedBy !== undefined) return { refusedBy };
      if (proposals.length === 1) break;
      const applied = applyEvent(state, event, moment, this.#rules);
      if ("violation" in applied) return { refusedBy: applied.violation.rule };
      state = applied.state;
    }
    const entry = {
      storeId: modelStoreId,
      seq: moment.seq,
      prev: node.state.lastSha256,
      timeMs: 0,
      commitId: this.#nextAttempt(),
      author: noAuthor,
      events: proposals.map((each) => each.event),
    };
    const judged = judgeEntry(node.state, { entry, sha256: noHash }, this.#rules);
    if ("violation" in judged) return { refusedBy: judged.violation.rule };
    const broken = this.#brokenBy(node.state, entry.events, judged.state);
    return { node: this.#intern(judged.state), broken };
  }

  #nextAttempt(): CommitId {
    return parseId("commit", (++this.#attempts).toString(16).padStart(8, "0").repeat(4));
  }

  /** What an entry does that no entry may do. */
  #brokenBy(before: LogState, events: readonly LogEvent[], after: LogState): string | undefined {
    const named = (type: "remove" | "undelete"): ReadonlySet<string> =>
      new Set(events.flatMap((each) => (each.type === type ? each.snapshots : [])));
    const commits = new Set(events.flatMap((each) => (each.type === "commit" ? [each.stateId] : [])));
    for (const stateId of before.snapshots.keys()) {
      const name = this.#store.headOf(stateId).name;
      if (isLive(before, stateId) && !isLive(after, stateId) && !named("remove").has(stateId))
        return `snapshot ${name} disappears without being removed`;
      if (!isLive(before, stateId) && isLive(after, stateId) && !named("undelete").has(stateId))
        return `snapshot ${name} comes back without being undeleted`;
    }
    for (const stateId of commits) {
      const { name, commitId } = this.#store.headOf(stateId);
      if (before.snapshots.has(stateId) || before.sweptStates.has(stateId)) return `state ${name} is published twice`;
      for (const other of before.snapshots.keys())
        if (this.#store.headOf(other).commitId === commitId) return `the backup of ${name} is published twice`;
    }
    return this.#checkpointDiffers(after);
  }

  /** The fold is the same from a checkpoint, through its codec, as from the first entry. */
  #checkpointDiffers(state: LogState): string | undefined {
    try {
      const { section, ...head } = foldToCheckpoint(state);
      const decoded = decodeFoldSection(encodeFoldSection(section), state.seq, "a section");
      const resumed = foldFromCheckpoint({ ...head, section: decoded });
      return this.#textOf(resumed) === this.#textOf(state) ? undefined : "the fold from a checkpoint is another";
    } catch (error) {
      return `the fold cannot be read back from a checkpoint: ${String(error)}`;
    }
  }

  #intern(state: LogState): LogNode {
    const text = this.#textOf(state);
    const known = this.#nodes.get(text);
    if (known !== undefined) return known;
    const node = { id: this.#nodes.size, state, text };
    this.#nodes.set(text, node);
    return node;
  }

  #textOf(state: LogState): string {
    const pack = (id: string): string => this.#store.packOf(id).name;
    const head = (id: string): string => this.#store.headOf(id).name;
    const relocated = Array.from(
      state.relocated,
      ([id, { segments, runs }]) =>
        `${pack(id)}:${segments.join(".")}>${runs.map((run) => `${pack(run.packId)}+${run.firstRow}x${run.rows}`).join(".")}`,
    );
    const parts: readonly (readonly [string, readonly string[]])[] = [
      ["live", Array.from(state.snapshots.values(), (each) => (each.removed === undefined ? head(each.stateId) : ""))],
      [
        "removed",
        Array.from(state.snapshots.values(), (each) => (each.removed === undefined ? "" : head(each.stateId))),
      ],
      ["condemned", Array.from(state.condemned.keys(), pack)],
      ["swept", [...Array.from(state.swept.keys(), pack), ...Array.from(state.sweptStates.keys(), head)]],
      ["relocated", relocated],
      ["placed", Array.from(state.placed.keys(), pack)],
    ];
    const text = parts.map(([name, items]) => [name, items.filter((each) => each !== "").sort()] as const);
    return `${state.seq}; ${text.flatMap(([name, items]) => (items.length === 0 ? [] : [`${name} ${items.join(",")}`])).join("; ")}`;
  }
}

function isLive(state: LogState, stateId: StateId): boolean {
  const record = state.snapshots.get(stateId);
  return record !== undefined && record.removed === undefined;
}
