import { checkpointRules } from "./check-checkpoint.ts";
import { commitRules } from "./check-commit.ts";
import { condemnRules } from "./check-condemn.ts";
import { type EntryRule, entryRules } from "./check-entry.ts";
import { relocateRules } from "./check-relocate.ts";
import { removeRules } from "./check-remove.ts";
import { reviveRules } from "./check-revive.ts";
import { sweepRules } from "./check-sweep.ts";
import { undeleteRules } from "./check-undelete.ts";

/** Every rule of the log, by the type of event that it judges. */
export type LogRules = {
  readonly entry: readonly EntryRule[];
  readonly commit: typeof commitRules;
  readonly remove: typeof removeRules;
  readonly undelete: typeof undeleteRules;
  readonly condemn: typeof condemnRules;
  readonly revive: typeof reviveRules;
  readonly sweep: typeof sweepRules;
  readonly relocate: typeof relocateRules;
  readonly checkpoint: typeof checkpointRules;
  /** Entries for which a relocation stays in the fold of which nothing is left; see `withoutGone`. */
  readonly goneRelocationsStay: number;
};

/**
 * The rules of the log as they are. `applyEvent` and `judgeEntry` take them as a parameter only so that the checker of the protocol can
 * weaken one and see what comes of it: programs never pass others.
 *
 * `settings` has no rules: its codec says all.
 */
export const logRules: LogRules = {
  entry: entryRules,
  commit: commitRules,
  remove: removeRules,
  undelete: undeleteRules,
  condemn: condemnRules,
  revive: reviveRules,
  sweep: sweepRules,
  relocate: relocateRules,
  checkpoint: checkpointRules,
  goneRelocationsStay: 1024,
};
