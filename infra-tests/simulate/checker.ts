import { check } from "#shared/operations/check/check.ts";
import { type EntryError, silentReporter } from "#shared/operations/progress.ts";
import type { Store } from "#shared/store/store.ts";
import { Actor } from "./actor.ts";
import type { Life } from "./life.ts";

/** Somebody who checks the whole store, and reads all of it. */
export class Checker extends Actor {
  protected async work(life: Life, store: Store): Promise<void> {
    const { world } = this;
    const repository = await this.open(life, store);
    const errors: EntryError[] = [];
    const report = await check({
      repository,
      snapshots: undefined,
      readPercent: 100,
      threads: 1,
      reporter: { ...silentReporter, entryError: (error) => void errors.push(error) },
    });
    const isSound = report.damagedObjects.length === 0 && report.damagedFiles === 0;
    if (!isSound)
      world.violate(`a check finds damage: ${errors.map((each) => `${each.path}: ${each.message}`).join("; ")}`);
    else world.count("checked");
  }
}
