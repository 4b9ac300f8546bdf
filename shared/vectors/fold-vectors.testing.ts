import { encodeHex } from "#shared/bytes/hex.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { idFromBytes } from "#shared/format/ids.ts";
import { encodeLogEntry, type LogEntry, type LogEvent } from "#shared/format/log-entry.ts";
import { sign, storeId } from "./fixed-store.testing.ts";
import { commit, entryOf, pack, placed, publish, relocation, state, zeros } from "./log-events.testing.ts";
import { success, type Vector } from "./vector.testing.ts";

/** A log of entries, each the next of the one before. */
type ChainEntry = { readonly events: readonly LogEvent[]; readonly change?: Partial<LogEntry> };

function chain(...entries: readonly ChainEntry[]): string[] {
  const log: string[] = [];
  let prev: Uint8Array = zeros;
  for (const [index, { events, change }] of entries.entries()) {
    const bytes = encodeLogEntry(entryOf(index + 1, prev, events, change), sign);
    prev = sha256(bytes);
    log.push(encodeHex(bytes));
  }
  return log;
}

/** Logs, folded from the first entry on. */
export function foldVectors(): Vector[] {
  const a = publish("a");
  const b = publish("b");
  const removeA: LogEvent = { type: "remove", snapshots: [state("a")] };
  const undeleteA: LogEvent = { type: "undelete", snapshots: [state("a")], revive: [] };
  const bad = (name: string, about: string, ...entries: ChainEntry[]): Vector => ({
    structure: "log",
    name,
    about,
    context: { storeId },
    input: chain(...entries),
    expect: "corrupt",
  });
  const whole = chain(
    { events: [a] },
    { events: [b] },
    { events: [removeA] },
    { events: [undeleteA, { type: "remove", snapshots: [state("b")] }] },
  );
  const condemn = (...names: string[]): LogEvent => ({ type: "condemn", packs: names.map((each) => pack(each)) });
  const revive = (...names: string[]): LogEvent => ({ type: "revive", packs: names.map((each) => pack(each)) });
  const sweep = (names: string[], states: string[] = []): LogEvent => ({
    type: "sweep",
    packs: names.map((each) => pack(each)),
    states: states.map((each) => state(each)),
  });
  const checkpoint = (seq: number): LogEvent => ({ type: "checkpoint", seq, sha256: zeros });
  const onward: LogEvent = {
    type: "relocate",
    from: [{ packId: pack("m"), segments: Uint8Array.of(0b11) }],
    to: [placed("o", 1, 2)],
  };
  const otherStore = { storeId: idFromBytes("store", new Uint8Array(16)) };
  return [
    success("log", "empty", "The fold of no entries.", { storeId }, []),
    success(
      "log",
      "publish-remove-undelete",
      "Two snapshots; one is removed and brought back, then the other removed.",
      { storeId },
      whole,
    ),
    success(
      "log",
      "collect",
      "Packs are condemned, one is taken back, one is taken back by a commit, one swept, with the state of a removed snapshot.",
      { storeId },
      chain(
        { events: [a] },
        { events: [removeA, condemn("x", "y", "z")] },
        { events: [revive("x")] },
        { events: [publish("b", { revive: [pack("z")] })] },
        { events: [condemn("x"), sweep(["y"], ["a", "never published"])] },
      ),
    ),
    success(
      "log",
      "relocate",
      "Segments move twice, the pack between is swept; a checkpoint and a grace period.",
      { storeId },
      chain(
        { events: [a] },
        { events: [relocation, condemn("a", "b")] },
        { events: [onward, condemn("m"), checkpoint(1)] },
        { events: [sweep(["a", "m"]), checkpoint(3), { type: "settings", graceMs: 5 }] },
      ),
    ),
    bad("condemn-twice", "A pack is condemned that is condemned.", { events: [condemn("x")] }, { events: [condemn("x")] }),
    bad(
      "condemn-what-is-swept",
      "A pack is condemned that was swept.",
      { events: [condemn("x")] },
      { events: [sweep(["x"]), condemn("x")] },
    ),
    bad("condemn-named-twice", "A pack is named twice in one event.", { events: [condemn("x", "x")] }),
    bad("condemn-nothing", "An event names no pack.", { events: [condemn()] }),
    bad("revive-what-is-live", "A pack is revived that is not condemned.", { events: [revive("x")] }),
    bad(
      "revive-what-is-swept",
      "A pack is revived that was swept.",
      { events: [condemn("x")] },
      { events: [sweep(["x"])] },
      { events: [revive("x")] },
    ),
    bad(
      "undelete-reviving-what-is-live",
      "An undeletion revives a pack that is not condemned.",
      { events: [a, removeA] },
      { events: [{ type: "undelete", snapshots: [state("a")], revive: [pack("x")] }] },
    ),
    bad("sweep-what-is-not-condemned", "A pack is swept that is not condemned.", { events: [sweep(["x"])] }),
    bad(
      "sweep-what-was-revived",
      "A pack is swept that was condemned and revived.",
      { events: [condemn("x"), revive("x")] },
      { events: [sweep(["x"])] },
    ),
    bad("sweep-nothing", "An event names no pack and no state.", { events: [sweep([])] }),
    bad("sweep-named-twice", "A state is named twice.", { events: [sweep([], ["a", "a"])] }),
    bad("sweep-live-state", "The state of a snapshot is swept that is not removed.", { events: [a] }, { events: [sweep([], ["a"])] }),
    bad("sweep-state-twice", "A state is swept twice.", { events: [sweep([], ["a"])] }, { events: [sweep([], ["a"])] }),
    bad("publish-swept-state", "A state is published that was swept.", { events: [sweep([], ["a"])] }, { events: [a] }),
    bad(
      "undelete-swept-state",
      "A snapshot is brought back whose state was swept.",
      { events: [a, removeA, sweep([], ["a"])] },
      { events: [undeleteA] },
    ),
    bad("relocate-condemned", "Segments leave a condemned pack.", { events: [condemn("b"), relocation] }),
    bad("relocate-twice", "Segments leave a pack that was relocated.", { events: [relocation] }, {
      events: [{ ...relocation, to: [placed("r", 1, 2), placed("s", 3, 1)] }],
    }),
    bad("relocate-to-condemned", "Segments come to a condemned pack.", { events: [condemn("n"), relocation] }),
    bad(
      "relocate-to-old",
      "Segments come to a pack that another relocation brought.",
      { events: [relocation] },
      {
        events: [
          {
            type: "relocate",
            from: [{ packId: pack("c"), segments: Uint8Array.of(1) }],
            to: [placed("n", 3, 1)],
          },
        ],
      },
    ),
    bad("relocate-fewer-rows", "More segments leave than come.", {
      events: [{ ...relocation, to: [placed("m", 1, 2)] }],
    }),
    bad("relocate-nothing", "A relocation names no pack.", { events: [{ type: "relocate", from: [], to: [] }] }),
    bad("checkpoint-of-the-future", "A checkpoint folds its own entry.", { events: [checkpoint(1)] }),
    bad(
      "checkpoint-goes-back",
      "A checkpoint folds less than the one before.",
      { events: [a] },
      { events: [checkpoint(1)] },
      { events: [checkpoint(1)] },
    ),
    {
      ...success("log", "gap", "The second entry is missing.", { storeId }, [whole[0]!, whole[2]!]),
      expect: "corrupt",
    },
    {
      ...success("log", "exchanged", "Two entries changed places.", { storeId }, [whole[1]!, whole[0]!]),
      expect: "corrupt",
    },
    bad("wrong-store", "An entry of another store.", { events: [a], change: otherStore }),
    bad(
      "wrong-number",
      "The second entry says that it is the third.",
      { events: [a] },
      { events: [b], change: { seq: 3 } },
    ),
    bad(
      "wrong-hash",
      "The second entry follows another first one: the log was rewritten.",
      { events: [a] },
      { events: [b], change: { prev: sha256(Buffer.from("x")) } },
    ),
    bad("first-follows-something", "The first entry says that one came before.", {
      events: [a],
      change: { prev: sha256(Buffer.from("x")) },
    }),
    bad("no-events", "An entry without events.", { events: [] }),
    bad(
      "attempt-twice",
      "Two entries have one commit id.",
      { events: [a] },
      { events: [b], change: { commitId: commit("entry 1") } },
    ),
    bad(
      "state-twice",
      "A state is published twice.",
      { events: [a] },
      { events: [publish("a", { commitId: commit("b") })] },
    ),
    bad(
      "commit-id-twice",
      "Two states have one commit id.",
      { events: [a] },
      { events: [publish("b", { commitId: commit("a") })] },
    ),
    bad("state-shorter-than-head", "A state is shorter than its head.", {
      events: [publish("a", { stateBytes: 999 })],
    }),
    bad("revive-what-is-not-condemned", "A pack is revived that is not condemned.", {
      events: [publish("a", { revive: [pack("x")] })],
    }),
    bad("remove-unknown", "A snapshot is removed that was never published.", { events: [removeA] }),
    bad("remove-twice", "A snapshot is removed twice.", { events: [a] }, { events: [removeA] }, { events: [removeA] }),
    bad(
      "remove-named-twice",
      "A snapshot is named twice in one event.",
      { events: [a] },
      { events: [{ type: "remove", snapshots: [state("a"), state("a")] }] },
    ),
    bad(
      "remove-nothing",
      "An event names no snapshot.",
      { events: [a] },
      { events: [{ type: "remove", snapshots: [] }] },
    ),
    bad(
      "undelete-what-is-there",
      "A snapshot is brought back that is not removed.",
      { events: [a] },
      { events: [undeleteA] },
    ),
  ];
}
