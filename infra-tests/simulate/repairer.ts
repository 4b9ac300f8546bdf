import { bundleKeys } from "#shared/crypto/bundle.ts";
import { findStatesOfLonger } from "#shared/log/find-states-of-longer.ts";
import { silentReporter } from "#shared/operations/progress.ts";
import { executeRepair } from "#shared/operations/repair/execute-repair.ts";
import { planRepair } from "#shared/operations/repair/plan-repair.ts";
import { salvageLog } from "#shared/operations/repair/salvage-log.ts";
import { openBundle, readConfig } from "#shared/repository/open-repository.ts";
import { Repository } from "#shared/repository/repository.ts";
import type { Store } from "#shared/store/store.ts";
import { Actor } from "./actor.ts";
import type { Life } from "./life.ts";

/** Somebody who mends what can be mended of a ruined store. */
export class Repairer extends Actor {
  /** Whether entries at the end of the log are known to be lost. */
  isCutOff = false;
  /** Whether snapshots are removed of which nothing can be had. */
  dropsLost = false;
  /** What there was to mend the last time, by object. */
  mended: readonly string[] = [];

  protected async work(life: Life, store: Store): Promise<void> {
    const { clock, random } = life;
    const read = await readConfig(store);
    const bundle = await openBundle(store, read, () => Promise.reject(new Error("no secret is needed")));
    const log = await salvageLog(store, read.config.storeId);
    const beside = await findStatesOfLonger(store, log.state);
    const repository = new Repository({
      store,
      ...read,
      keys: await bundleKeys(bundle),
      log: log.state,
      checkpoint: log.checkpoint,
      signer: this.signer,
      clock,
      random,
    });
    const { isCutOff } = this;
    const plan = await planRepair({
      repository,
      log,
      beside,
      read: true,
      isCutOff,
      threads: 1,
      reporter: silentReporter,
    });
    this.mended = plan.findings.filter((each) => each.remedy === "mended").map((each) => each.object);
    await executeRepair(plan, { dropLost: this.dropsLost });
  }
}
