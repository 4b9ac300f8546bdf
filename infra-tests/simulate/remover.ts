import { isHoldfastError } from "#shared/errors.ts";
import { removeSnapshots } from "#shared/log/remove-snapshots.ts";
import { undeleteSnapshots } from "#shared/log/undelete-snapshots.ts";
import type { Store } from "#shared/store/store.ts";
import { Actor } from "./actor.ts";
import type { Life } from "./life.ts";

/** Somebody who removes snapshots, and now and then wants one back. */
export class Remover extends Actor {
  protected async work(life: Life, store: Store): Promise<void> {
    const { world, signer } = this;
    const repository = await this.open(life, store);
    const records = [...repository.log.snapshots.values()];
    const wantsBack = world.random.chance(0.3);
    const chosen = records
      .filter((each) => (each.removed !== undefined) === wantsBack && world.random.chance(0.4))
      .map((each) => each.stateId);
    if (chosen.length === 0) return;
    const { clock, random } = life;
    const appender = { store, signer, clock, random, from: repository.log };
    if (!wantsBack) {
      await removeSnapshots(appender, chosen);
      return;
    }
    try {
      await undeleteSnapshots(appender, chosen);
      world.count("undeleted");
    } catch (error) {
      // Its state was swept meanwhile: too late.
      if (!isHoldfastError(error, "absent")) throw error;
      world.count("undeleted too late");
    }
  }
}
