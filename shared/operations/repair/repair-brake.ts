import { HoldfastError } from "#shared/errors.ts";
import { defaultBrakeShare } from "#shared/operations/maintenance/maintenance-policy.ts";
import type { RepairPlan } from "./repair-plan.ts";

/**
 * Why a plan should not be carried out without another look: it would condemn so much that the way to the store is more likely to be at fault (a
 * proxy, a cable, memory) than all those packs. What is condemned is deleted after the grace period, and by then nobody asks again.
 *
 * Packs that are not in the store do not count, for nothing can be deleted of them; nor does a single one.
 *
 * @returns undefined where nothing speaks against it
 */
export function repairBrake({
  condemned,
  survey,
}: Pick<RepairPlan, "condemned" | "survey">): HoldfastError | undefined {
  const sizes = condemned.flatMap((packId) => survey.packSizes.get(packId) ?? []);
  const share = sum(sizes) / sum(survey.packSizes.values());
  if (sizes.length < 2 || !(share > defaultBrakeShare)) return undefined;
  const what = `${sizes.length} of ${survey.packSizes.size} packs, ${Math.round(share * 100)} % of the store,`;
  return new HoldfastError("corrupt", `Cannot repair: ${what} do not read as they were written`, {
    detail: { packs: condemned.length, share },
    hint: "So much at once is more often the fault of the way to the store. Run `holdfast repair --read` on another host, and in the end add --force.",
  });
}

function sum(all: Iterable<number>): number {
  let bytes = 0;
  for (const each of all) bytes += each;
  return bytes;
}
