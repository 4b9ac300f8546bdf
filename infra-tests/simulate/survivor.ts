import type { StateId } from "#shared/format/ids.ts";
import { successorOf } from "#shared/log/repaired-commit-id.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { liveRecords } from "#shared/snapshot/read-snapshot.ts";
import type { Store } from "#shared/store/store.ts";
import { Actor } from "./actor.ts";
import type { Life } from "./life.ts";
import type { SourceContent } from "./oracle.ts";
import { restoreToMemory } from "./restore-to-memory.ts";

/** A snapshot that was live when its store was ruined. */
export type RuinedSnapshot = {
  readonly stateId: StateId;
  readonly content: SourceContent;
  /** Whether a pack that it needed is lost or rotten: then its files may be, each of which must be told of. */
  readonly mayLose: boolean;
  /** Whether the entry of the log may be lost that told its id: then it may have come back under another. */
  readonly mayBeRenamed: boolean;
};

/** Somebody who looks for all that should have outlived the ruin of a store, and its repair. */
export class Survivor extends Actor {
  snapshots: readonly RuinedSnapshot[] = [];

  protected async work(life: Life, store: Store): Promise<void> {
    const { world } = this;
    const repository = await this.open(life, store);
    const { log } = repository;
    for (const { stateId, content, mayLose, mayBeRenamed } of this.snapshots) {
      const old = log.snapshots.get(stateId);
      const record = old?.removed === undefined && old !== undefined ? old : successorOf(log, stateId);
      if (record === undefined || record.removed !== undefined) {
        if (!mayLose && !(mayBeRenamed && (await this.#isThere(repository, content))))
          world.violate(`snapshot ${stateId} did not outlive what it did not need`);
        continue;
      }
      const { files, errors } = await restoreToMemory(repository, record).catch((error: unknown) => {
        if (!mayLose) throw error;
        return { files: new Map<string, Uint8Array>(), errors: [error] };
      });
      if (!mayLose && errors.length > 0)
        world.violate(
          `snapshot ${stateId}, repaired as ${record.stateId}, does not restore: ${JSON.stringify(errors[0])}`,
        );
      for (const [path, expected] of content) {
        const found = files.get(path);
        if (found === undefined ? errors.length === 0 : Buffer.compare(found, expected) !== 0)
          world.violate(
            `snapshot ${stateId}, repaired as ${record.stateId}, restores ${path} wrongly, and does not tell`,
          );
      }
      world.count(mayLose ? "ruined and told" : "repaired and compared");
    }
  }

  /** Whether some snapshot holds just that. */
  async #isThere(repository: Repository, content: SourceContent): Promise<boolean> {
    for (const record of liveRecords(repository)) {
      const { files, errors } = await restoreToMemory(repository, record).catch((error: unknown) => ({
        files: new Map<string, Uint8Array>(),
        errors: [error],
      }));
      if (
        errors.length === 0 &&
        files.size === content.size &&
        [...content].every(([path, bytes]) => isEqual(files.get(path), bytes))
      ) {
        this.world.count("found under another id");
        return true;
      }
    }
    return false;
  }
}

function isEqual(found: Uint8Array | undefined, expected: Uint8Array): boolean {
  return found !== undefined && Buffer.compare(found, expected) === 0;
}
