import { HoldfastError } from "#shared/errors.ts";
import { defaultLimitShare } from "#shared/operations/maintenance/maintenance-policy.ts";
import type { RepairPlan } from "./repair-plan.ts";

/**
 * Why a plan should not be carried out without another look: it would mark so much for deletion that the way to the store is more likely to be at
 * fault (a disk or branch that is not mounted, a proxy, a cable, memory) than all those packs. Snapshots are replaced by ones with holes, and by the
 * time that the packs are deleted nobody asks again.
 *
 * Packs that are missing count with the size that states tell. A single one does not count, unless the store has no other.
 *
 * @returns undefined where nothing speaks against it
 */
export function repairLimit({
  condemned,
  survey,
  repository,
}: Pick<RepairPlan, "condemned" | "survey" | "repository">): HoldfastError | undefined {
  const { missingPacks, packSizes } = survey;
  const sizes = new Map(packSizes);
  for (const { packId, sizeBytes } of repository.segments.packs)
    if (missingPacks.has(packId)) sizes.set(packId, sizeBytes);
  const share = sum(condemned.map((packId) => sizes.get(packId) ?? 0)) / sum(sizes.values());
  const isAll = condemned.length === sizes.size;
  if (condemned.length < (isAll ? 1 : 2) || !(share > defaultLimitShare)) return undefined;
  const missing = condemned.filter((packId) => missingPacks.has(packId)).length;
  const what = `${condemned.length} of ${sizes.size} packs, ${Math.round(share * 100)} % of the store,`;
  const how =
    missing === 0
      ? "do not read as they were written"
      : missing === condemned.length
        ? "are missing"
        : "are missing or do not read as they were written";
  const look =
    missing === 0
      ? "Run `holdfast repair --read` on another host, and in the end add --force."
      : "See that all disks of the store are mounted and that nothing was moved; run `holdfast repair` on another host; and in the end add --force.";
  return new HoldfastError(
    "corrupt",
    `Cannot repair: ${what} ${how}. Stopped by the safety limit, nothing was changed`,
    {
      detail: { packs: condemned.length, missing, share },
      hint: `So much at once is more often the fault of the way to the store. ${look}`,
    },
  );
}

function sum(all: Iterable<number>): number {
  let bytes = 0;
  for (const each of all) bytes += each;
  return bytes;
}
