import { chmodSync } from "node:fs";
import { applyLateFlags, liftLateFlags } from "#agent/filesystem/apply-flags.ts";
import type { EntryStat } from "#agent/filesystem/entry-stat.ts";
import { lateFlags } from "#agent/filesystem/file-flags.ts";
import { nodePath } from "#agent/filesystem/node-path.ts";
import type { SafeTarget, TargetPlace } from "#agent/filesystem/safe-target.ts";

/**
 * What was in a target and could not be written until its permissions or flags were taken away. They are put back when the entry is finished, or at the
 * end for those that nothing else finished.
 */
export class LoosenedEntries {
  readonly #target: SafeTarget;
  readonly #modes = new Map<string, number>();
  readonly #flags = new Map<string, number>();

  constructor(target: SafeTarget) {
    this.#target = target;
  }

  /**
   * Makes a directory writable for its owner, who runs this, where it is not; and takes immutable and append-only from anything. As far as that is
   * permitted: what is not is told by what fails later.
   *
   * @param stat - of what is at `place`
   */
  loosen(path: string, place: TargetPlace, stat: EntryStat): void {
    const flags = stat.attributes & lateFlags;
    if (flags !== 0 && liftLateFlags(place.path, place.directoryFd)) this.#flags.set(path, flags);
    const user = process.geteuid?.() ?? 0;
    if (stat.type !== "directory" || user === 0 || stat.uid !== user || (stat.mode & 0o700) === 0o700) return;
    try {
      chmodSync(nodePath(place.path, place.directoryFd), stat.mode | 0o700);
      this.#modes.set(path, stat.mode);
    } catch {
      // What is to be written into the directory fails, and is told.
    }
  }

  /** Forgets a directory whose mode was put back, or another than its old one put on. */
  modeIsRight(path: string): void {
    this.#modes.delete(path);
  }

  /** Forgets an entry whose flags are as the snapshot says. */
  flagsAreRight(path: string): void {
    this.#flags.delete(path);
  }

  /** Puts the mode of a directory back that the restore leaves as it was. */
  putModeBack(path: string): void {
    const mode = this.#modes.get(path);
    if (mode === undefined) return;
    this.#modes.delete(path);
    const place = this.#target.locate(path);
    chmodSync(nodePath(place.path, place.directoryFd), mode);
  }

  /** Puts back all that is left, what lies deeper first. What is not there any more is passed over. */
  putBack(): void {
    for (const path of [...this.#modes.keys()].toReversed()) quietly(() => this.putModeBack(path));
    for (const [path, flags] of [...this.#flags].toReversed()) {
      quietly(() => {
        const place = this.#target.locate(path);
        applyLateFlags(place.path, flags, place.directoryFd);
      });
    }
    this.#flags.clear();
  }
}

function quietly(step: () => void): void {
  try {
    step();
  } catch {
    // The entry is gone or was replaced.
  }
}
