import type { MaintenancePlan, Tally } from "./maintenance-plan.ts";

/** States that are named one by one. */
const namedStates = 20;

/** What a person should know of a plan, a sentence each: what was not planned and why, and what is wrong with the store. */
export function warningsOf(plan: MaintenancePlan): string[] {
  const { unreadable, unreadableRemoved, brake, figures, doubt } = plan;
  const warnings: string[] = [];
  if (doubt !== undefined) warnings.push(doubt);
  for (const { stateId, message } of unreadable.slice(0, namedStates))
    warnings.push(`What snapshot ${stateId} needs is not known: ${message}`);
  if (unreadable.length > 0) {
    warnings.push(
      `Nothing is condemned, swept or deleted: ${unreadable.length} of the live snapshots cannot be read. Run \`holdfast repair\`, or remove them`,
    );
  }
  for (const { stateId, message } of unreadableRemoved.slice(0, namedStates))
    warnings.push(`The state of removed snapshot ${stateId} stays: ${message}`);
  if (brake !== undefined) {
    const { condemnBytes, inUseBytes, share } = brake;
    const orphans = figures.orphans.count === 0 ? "" : `, ${tally(figures.orphans)} of them in no snapshot ever`;
    warnings.push(
      `Nothing is condemned or compacted: ${tally(figures.condemn)}${orphans} would be, ${percent(condemnBytes / inUseBytes)} of the ${inUseBytes} bytes in use, and one run may condemn ${percent(share)}. If that is what you want, use --force`,
    );
  }
  if (figures.foreign.count > 0) {
    const { count, bytes } = figures.foreign;
    warnings.push(`${count} objects (${bytes} bytes) belong to another store: they are left alone`);
  }
  if (figures.missing > 0) {
    warnings.push(
      `${figures.missing} packs that snapshots need are missing, such as ${figures.missingPacks[0] ?? "?"}. Run \`holdfast check\``,
    );
  }
  if (figures.revive.count > 0)
    warnings.push(`${tally(figures.revive)} were condemned though live snapshots need them: they are revived`);
  return warnings;
}

function tally({ count, bytes }: Tally): string {
  return `${count} packs (${bytes} bytes)`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
