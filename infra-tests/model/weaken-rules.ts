import { type LogRules, logRules } from "#shared/log/rules/log-rules.ts";

type Named = { readonly name: string };

/**
 * The rules of the log without some of them, each named as by `ruleNames`. Nothing in `shared` is changed.
 *
 * @throws {Error} there is no rule of that name
 */
export function weakenRules(mutants: readonly string[]): LogRules {
  const known = ruleNames();
  for (const mutant of mutants) if (!known.includes(mutant)) throw new Error(`there is no rule ${mutant}`);
  const rest = <Rule extends Named>(owner: string, rules: readonly Rule[]): readonly Rule[] =>
    rules.filter((rule) => !mutants.includes(`${owner}/${rule.name}`));
  const without = <Rules extends { readonly fold: readonly Named[]; readonly append: readonly Named[] }>(
    owner: string,
    rules: Rules,
  ): Rules => ({ ...rules, fold: rest(owner, rules.fold), append: rest(owner, rules.append) });
  return {
    entry: rest("entry", logRules.entry),
    commit: without("commit", logRules.commit),
    remove: without("remove", logRules.remove),
    undelete: without("undelete", logRules.undelete),
    condemn: without("condemn", logRules.condemn),
    revive: without("revive", logRules.revive),
    sweep: without("sweep", logRules.sweep),
    relocate: without("relocate", logRules.relocate),
    checkpoint: without("checkpoint", logRules.checkpoint),
    goneRelocationsStay: logRules.goneRelocationsStay,
  };
}

/** Every rule by its owner and name, in the order in which they are applied. */
export function ruleNames(): readonly string[] {
  const names: string[] = logRules.entry.map((rule) => `entry/${rule.name}`);
  for (const owner of [
    "commit",
    "remove",
    "undelete",
    "condemn",
    "revive",
    "sweep",
    "relocate",
    "checkpoint",
  ] as const) {
    const { fold, append } = logRules[owner];
    for (const rule of [...fold, ...append] as readonly Named[]) names.push(`${owner}/${rule.name}`);
  }
  return names;
}
