import type { Report } from "#shared/operations/progress.ts";
import { formatBytes } from "./format-bytes.ts";
import { formatCount } from "./format-count.ts";
import { formatDuration } from "./format-duration.ts";
import { formatTime } from "./format-time.ts";

type Facts = Report["facts"];

/**
 * The facts of a maintenance that belong together, in words, as labels and values; those that there are none of are left out.
 *
 * @returns also the names of the facts that are told, so that others can be told as they are
 */
export function maintenanceRows(facts: Facts): {
  readonly rows: readonly (readonly [label: string, value: string])[];
  readonly told: ReadonlySet<string>;
} {
  const told = new Set<string>();
  const rows: (readonly [string, string])[] = [];
  const numberOf = (name: string): number => {
    told.add(name);
    const value = facts[name];
    return typeof value === "number" ? value : 0;
  };
  const isDry = facts["dryRun"] === true;
  told.add("dryRun");
  if (isDry) rows.push(["dry run", "nothing was changed; this is what would be done"]);
  const add = (label: string, what: string, count: number, bytes: number | undefined, more = ""): void => {
    const size = bytes === undefined ? "" : `, ${formatBytes(bytes)}`;
    rows.push([label, count === 0 ? `none${more}` : `${counted(count, what)}${size}${more}`]);
  };
  add("stored", "pack", numberOf("packs"), numberOf("bytesOfPacks"));
  add("needed by snapshots", "pack", numberOf("neededPacks"), numberOf("neededBytes"));
  const revived = numberOf("revivedPacks");
  if (revived > 0) add("unmarked, because needed", "pack", revived, undefined);
  const again = numberOf("recondemnedPacks");
  if (again > 0) add("marked anew", "pack", again, undefined);
  const grace = inDays(numberOf("graceMs"));
  const marked = numberOf("condemnedPacks");
  const from = marked === 0 ? "" : `; can be deleted ${grace} from now`;
  add("marked for deletion", "pack", marked, numberOf("condemnedBytes"), from);
  const orphans = numberOf("orphanPacks");
  const orphanBytes = numberOf("orphanBytes");
  if (orphans > 0) add("of interrupted backups", "pack", orphans, orphanBytes);
  const waiting = numberOf("waitingPacks");
  const waitingBytes = numberOf("waitingBytes");
  const next = numberOf("nextSweepAtMs");
  const when = next === 0 ? "" : `; can be deleted from ${formatTime(next)} on`;
  if (waiting > 0) add("marked before", "pack", waiting, waitingBytes, when);
  const freed = numberOf("freedBytes");
  add("deleted", "object", numberOf("deletedObjects"), undefined, freed === 0 ? "" : `, ${formatBytes(freed)} freed`);
  for (const name of ["sweptPacks", "sweptStates", "abandonedStates", "logEntries"]) told.add(name);
  const returned = numberOf("returnedPacks");
  const returnedBytes = numberOf("returnedBytes");
  if (returned > 0) add("came back, kept", "pack", returned, returnedBytes);
  const held = numberOf("heldPacks");
  const heldBytes = numberOf("heldBytes");
  if (held > 0) add("kept for damaged snapshots", "pack", held, heldBytes, ", in case what is missing comes back");
  const young = numberOf("youngObjects");
  const youngBytes = numberOf("youngBytes");
  if (young > 0) add("of unfinished backups", "object", young, youngBytes, "; kept for --orphan-age");
  rows.push(["grace period", grace]);
  return { rows, told };
}

function counted(count: number, what: string): string {
  return `${formatCount(count)} ${what}${count === 1 ? "" : "s"}`;
}

function inDays(ms: number): string {
  const days = ms / 86_400_000;
  return Number.isInteger(days) && days > 0 ? counted(days, "day") : formatDuration(ms);
}
