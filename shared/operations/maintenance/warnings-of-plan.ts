import type { LimitReached, MaintenancePlan, Tally } from "./maintenance-plan.ts";

/** States that are named one by one. */
const namedStates = 20;

/** What a person should know of a plan, a sentence each: what was not planned and why, and what is wrong with the store. */
export function warningsOf(plan: MaintenancePlan): string[] {
  const { unreadable, unreadableRemoved, condemnLimit, deletionLimit, figures, doubt, jumpMs } = plan;
  const warnings: string[] = [];
  if (doubt !== undefined) warnings.push(doubt);
  if (jumpMs !== undefined) {
    const days = Math.round(jumpMs / (24 * 3_600_000));
    warnings.push(
      `The newest log entry is ${days} days old by this machine's clock. Nothing was marked or deleted, in case the clock is wrong. If it is right, run maintenance again: this run noted the time`,
    );
  }
  for (const { stateId, message } of unreadable.slice(0, namedStates))
    warnings.push(`What snapshot ${stateId} needs is not known: ${message}`);
  if (unreadable.length > 0) {
    warnings.push(
      `Nothing is marked or deleted: ${unreadable.length} of the live snapshots cannot be read. Run \`holdfast repair\`, or remove them`,
    );
  }
  for (const { stateId, message } of unreadableRemoved.slice(0, namedStates))
    warnings.push(`The state of removed snapshot ${stateId} stays: ${message}`);
  if (condemnLimit !== undefined) warnings.push(limitText("mark for deletion", "in use", condemnLimit));
  if (deletionLimit !== undefined) warnings.push(limitText("delete", "stored", deletionLimit));
  if (figures.returned.count > 0) {
    warnings.push(
      `${packs(figures.returned)} that a repair found missing or damaged ${isOrAre(figures.returned)} in the store and whole, such as ${figures.returnedPacks[0] ?? "?"}: kept. Run \`holdfast repair --apply\`, so that snapshots which lost files get them back`,
    );
  }
  if (figures.foreign.count > 0) {
    const { count, bytes } = figures.foreign;
    warnings.push(`${count} objects (${sizeText(bytes)}) belong to another store: they are not touched`);
  }
  if (figures.missing > 0) {
    warnings.push(
      `Packs that snapshots need are missing: ${figures.missing}, such as ${figures.missingPacks[0] ?? "?"}. See that all of the store is mounted, and run \`holdfast check\``,
    );
  }
  if (figures.revive.count > 0) {
    const them = figures.revive.count === 1 ? "it: it is unmarked" : "them: they are unmarked";
    warnings.push(
      `${packs(figures.revive)} ${figures.revive.count === 1 ? "was" : "were"} marked for deletion though live snapshots need ${them}`,
    );
  }
  if (figures.recondemn.count > 0) {
    warnings.push(
      `${packs(figures.recondemn)}: marked for deletion by a clock that was ahead. Marked anew, and the grace period begins now`,
    );
  }
  return warnings;
}

function limitText(what: string, of: string, { goingBytes, ofBytes, share }: LimitReached): string {
  const going = `${sizeText(goingBytes)} of the ${sizeText(ofBytes)} ${of} (${percent(goingBytes / ofBytes)})`;
  return `Stopped by the safety limit: this run would ${what} ${going}, and the limit of one run is ${percent(share)} (--brake). That is to be expected after most snapshots were removed: then add --force`;
}

function packs({ count, bytes }: Tally): string {
  return `${count} ${count === 1 ? "pack" : "packs"} (${sizeText(bytes)})`;
}

function isOrAre({ count }: Tally): string {
  return count === 1 ? "is" : "are";
}

function sizeText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let size = bytes;
  let unit = 0;
  for (; size >= 1024 && unit < units.length - 1; unit++) size /= 1024;
  return `${unit === 0 ? size : size.toPrecision(3)} ${units[unit]}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
