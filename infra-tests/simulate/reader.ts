import { isHoldfastError } from "#shared/errors.ts";
import type { EntryError } from "#shared/operations/progress.ts";
import { liveRecords } from "#shared/snapshot/read-snapshot.ts";
import { stateKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { Actor } from "./actor.ts";
import type { Life } from "./life.ts";
import type { RestoredFiles } from "./memory-exporter.ts";
import type { SourceContent } from "./oracle.ts";
import { restoreToMemory } from "./restore-to-memory.ts";

/** Somebody who restores snapshots and compares them with what was backed up. */
export class Reader extends Actor {
  /** Whether all live snapshots are restored, not just one. */
  restoresAll = false;

  protected async work(life: Life, store: Store): Promise<void> {
    const repository = await this.open(life, store);
    const openedAt = repository.log.seq;
    const records = liveRecords(repository);
    if (records.length === 0) return;
    for (const record of this.restoresAll ? records : [this.world.random.pick(records)]) {
      const mustBeWhole = (): boolean => this.world.oracle.isLiveSince(record.stateId, openedAt);
      try {
        const { files, errors } = await restoreToMemory(repository, record);
        if (mustBeWhole()) this.#compare(record.stateId, files, errors);
      } catch (error) {
        // A snapshot that was removed while it is read may go away under the reader.
        if (!isHoldfastError(error, "corrupt", "absent") || mustBeWhole()) throw error;
        this.world.count("went away under its reader");
      }
    }
  }

  #compare(stateId: string, files: RestoredFiles, errors: readonly EntryError[]): void {
    const { world } = this;
    const expected = world.oracle.staged.get(stateKey(stateId));
    const real = errors.filter((each) => each.kind !== "unavailable");
    const [first] = real;
    if (expected === undefined) world.violate(`nobody made snapshot ${stateId}`);
    else if (first !== undefined)
      world.violate(`snapshot ${stateId} does not restore: ${first.path}: ${first.message}`);
    else if (errors.length === 0) {
      const difference = differenceOf(expected, files);
      if (difference !== undefined) world.violate(`snapshot ${stateId} restores otherwise: ${difference}`);
      world.count("restored and compared");
    }
  }
}

function differenceOf(expected: SourceContent, files: RestoredFiles): string | undefined {
  for (const [path, content] of expected) {
    const restored = files.get(path);
    if (restored === undefined) return `${path} is missing`;
    if (Buffer.compare(restored, content) !== 0) return `${path} has another content`;
  }
  for (const path of files.keys()) if (!expected.has(path)) return `${path} should not be there`;
  return undefined;
}
