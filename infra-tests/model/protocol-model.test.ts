import { describe, expect, it } from "vitest";
import { exploreAppends } from "./append-model.ts";
import type { Exploration } from "./explore.ts";
import { harmless, mutants } from "./mutants.ts";
import { ProtocolModel } from "./protocol-model.ts";
import { ruleNames, weakenRules } from "./weaken-rules.ts";

const wants = ["bc", "ac"];

function tell(what: string, { states, steps, depth }: Exploration): void {
  process.stdout.write(`model: ${what}: ${states} states, ${steps} steps, depth ${depth}\n`);
}

describe("the protocol of the log, explored to its end", () => {
  it.each([
    { entries: 6, wants, runs: 1, copies: 1 },
    { entries: 3, wants, runs: 2, copies: 1 },
    { entries: 5, wants, runs: 2, copies: 0 },
    { entries: 5, wants, runs: 0, copies: 2 },
    { entries: 3, wants, runs: 1, copies: 2 },
  ])("breaks nothing within $entries entries, $runs runs, $copies copies", (bounds) => {
    const found = new ProtocolModel({ bounds }).explore();
    tell(JSON.stringify(bounds), found);
    expect(found.violation).toBeUndefined();
    expect(found.complete).toBe(true);
  });

  it("comes to do everything that actors do", () => {
    const labels = [
      { entries: 3, wants, runs: 2, copies: 1 },
      { entries: 4, wants, runs: 1, copies: 1 },
    ].flatMap((bounds) => [...new ProtocolModel({ bounds }).explore().labels]);
    for (const label of [
      /^a run wants bc: U2<c> S2/,
      /^a run wants bc, adopts S3\[P0:1 U2<c>:0\]/,
      /^a run wants .*N0<P0:.*>:/,
      /^publish S3[^']*$/,
      /^remove S3/,
      /^undelete S2/,
      /^condemn U2/,
      /^condemn P0 \(knows all\) & sweep P0$/,
      /^revive N0/,
      /^sweep S0$/,
      /^sweep U2<c>$/,
      /^copy N0<P0:01>$/,
      /^relocate N0<U2<c>:0>$/,
      /^relocate N0<P0:0> & condemn P0/,
      /^delete P0$/,
      /^late put of P0$/,
    ])
      expect(labels.filter((each) => label.test(each)).length, String(label)).toBeGreaterThan(0);
  });

  it("breaks nothing when uploads are lost, copies are wrong and a backup is staged twice", () => {
    const faults = { lostPuts: true, wrongCopies: true, restage: true };
    const found = new ProtocolModel({ bounds: { entries: 3, wants, runs: 1, copies: 1 }, faults }).explore();
    tell("with faults", found);
    expect(found.violation).toBeUndefined();
    expect(found.complete).toBe(true);
  });
});

describe("without a rule", () => {
  it("every rule is among those that safety rests on or among those argued to be harmless", () => {
    const alone = mutants.flatMap(({ rules }) => (rules.length === 1 ? rules : []));
    expect([...alone, ...Object.keys(harmless)].sort()).toEqual([...ruleNames()].sort());
  });

  it.each(mutants)("the checker finds what breaks: $rules", ({ rules, bounds, faults = {}, broken }) => {
    const { violation } = new ProtocolModel({ bounds, rules: weakenRules(rules), faults }).explore();
    expect(violation?.broken).toMatch(broken);
  });

  it.each(mutants)("and with the rule it finds nothing there: $rules", ({ bounds, faults = {} }) => {
    expect(new ProtocolModel({ bounds, faults }).explore()).toMatchObject({ complete: true });
  });

  it.each(Object.keys(harmless))("nothing breaks that the model knows of: %s", (rule) => {
    const bounds = { entries: 2, wants, runs: 1, copies: 1 };
    expect(new ProtocolModel({ bounds, rules: weakenRules([rule]) }).explore()).toMatchObject({ complete: true });
  });

  it("but a sweeper that deletes before its entry is durable loses what is needed", () => {
    const bounds = { entries: 3, wants, runs: 1, copies: 0 };
    const { violation } = new ProtocolModel({ bounds, faults: { deleteFirst: true } }).explore();
    expect(violation?.broken).toMatch(/is gone and was not swept/);
  });
});

describe("an append", () => {
  it("is in the log once, whatever is lost, late or repeated, and whoever crashes", () => {
    const found = exploreAppends({ appenders: 3, crashes: 2 });
    tell("3 appenders, 2 crashes", found);
    expect(found.violation).toBeUndefined();
    expect(found.complete).toBe(true);
  });

  it("is in the log once even by a program that does not know its own entry again, thanks to a rule", () => {
    const faults = { forgetful: true };
    expect(exploreAppends({ appenders: 2, crashes: 1, faults }).violation).toBeUndefined();
    const rules = weakenRules(["entry/entry-attempt-is-new"]);
    expect(exploreAppends({ appenders: 2, crashes: 1, faults, rules }).violation?.broken).toMatch(/in the log 2 times/);
  });

  it("is lost on a store whose put replaces what is there", () => {
    const { violation } = exploreAppends({ appenders: 2, crashes: 0, faults: { overwrites: true } });
    expect(violation?.broken).toMatch(/and it is not/);
  });
});
