/** Repairs of the small stores of tests. */
import { bundleKeys } from "#shared/crypto/bundle.ts";
import { findStatesOfLonger } from "#shared/log/find-states-of-longer.ts";
import { createSigner } from "#shared/crypto/signing.ts";
import { silentReporter } from "#shared/operations/progress.ts";
import { impatientClock } from "#shared/operations/small-store.testing.ts";
import { systemRandom } from "#shared/random.ts";
import { openBundle, readConfig } from "#shared/repository/open-repository.ts";
import { Repository } from "#shared/repository/repository.ts";
import type { Store } from "#shared/store/store.ts";
import { executeRepair, type RepairReport } from "./execute-repair.ts";
import { planRepair } from "./plan-repair.ts";
import type { RepairPlan } from "./repair-plan.ts";
import { salvageLog } from "./salvage-log.ts";

/** Looks for damage. */
export async function planSmall(store: Store, read = true): Promise<RepairPlan> {
  const opened = await readConfig(store);
  const bundle = await openBundle(store, opened, () => Promise.reject(new Error("no secret is needed")));
  const log = await salvageLog(store, opened.config.storeId);
  const beside = await findStatesOfLonger(store, log.state);
  const repository = new Repository({
    store,
    ...opened,
    keys: await bundleKeys(bundle),
    log: log.state,
    checkpoint: log.checkpoint,
    signer: createSigner(new Uint8Array(32).fill(5)),
    clock: impatientClock,
    random: systemRandom,
  });
  return planRepair({ repository, log, beside, read, threads: 1, reporter: silentReporter });
}

/** Looks for damage and mends it. */
export async function repairSmall(
  store: Store,
  options: { readonly read?: boolean; readonly dropLost?: boolean } = {},
): Promise<RepairReport & { readonly plan: RepairPlan }> {
  const plan = await planSmall(store, options.read);
  return { ...(await executeRepair(plan, { dropLost: options.dropLost ?? false })), plan };
}
