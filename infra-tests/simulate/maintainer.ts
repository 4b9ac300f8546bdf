import { maintenance } from "#shared/operations/maintenance/maintenance.ts";
import type { PlanFigures } from "#shared/operations/maintenance/maintenance-plan.ts";
import { setGracePeriod } from "#shared/operations/maintenance/set-grace-period.ts";
import { silentReporter } from "#shared/operations/progress.ts";
import type { Store } from "#shared/store/store.ts";
import { Actor } from "./actor.ts";
import type { Life } from "./life.ts";

/** Somebody who maintains the store: condemns, sweeps, deletes, compacts, writes checkpoints; impatient, and often without a limit. */
export class Maintainer extends Actor {
  /** Whether it does all that can be done: no limit, no patience with orphans. */
  isThorough = false;
  /** What it found the last time. */
  figures: PlanFigures | undefined;

  protected async work(life: Life, store: Store): Promise<void> {
    const { world, signer, isThorough } = this;
    const { random } = world;
    const repository = await this.open(life, store);
    const { config } = repository;
    const appender = { store, signer, clock: life.clock, random: life.random, from: repository.log };
    if (!isThorough && random.chance(0.05)) await setGracePeriod(appender, random.pick([0, 60_000]), config.graceMs);
    const { done, compaction, checkpointSeq, plan } = await maintenance({
      appender,
      config,
      dryRun: !isThorough && random.chance(0.1),
      force: isThorough || random.chance(0.7),
      acceptsClock: isThorough || random.chance(0.5),
      compact: isThorough || random.chance(0.7),
      orphanAgeMs: isThorough ? 0 : random.pick([0, 60_000, 86_400_000]),
      reporter: silentReporter,
    });
    this.figures = plan.figures;
    if ((done?.recondemned ?? 0) > 0) world.count("condemned anew");
    if (plan.jumpMs !== undefined) world.count("doubted its clock");
    if (plan.figures.returned.count > 0) world.count("packs came back");
    if ((done?.condemned ?? 0) > 0) world.count("condemned");
    if ((done?.swept ?? 0) > 0) world.count("swept");
    if ((done?.sweptStates ?? 0) > 0) world.count("states swept");
    if ((done?.revived ?? 0) > 0) world.count("revived");
    if (plan.condemnLimit !== undefined || plan.deletionLimit !== undefined) world.count("stopped by a limit");
    if (compaction !== undefined) world.count("compacted");
    if (checkpointSeq !== undefined) world.count("checkpoints");
  }
}
