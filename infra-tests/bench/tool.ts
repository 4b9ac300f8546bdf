import type { BackupPhase } from "./phases.ts";

/** A program to start: never through a shell. */
export type Command = {
  readonly program: string;
  readonly args: readonly string[];
  /** Working directory; the parent of the tree when absent. */
  readonly cwd?: string;
};

/** Where one tool finds things during one round. All paths are absolute; all but the tree are the tool's own and fresh. */
export type Place = {
  /** The tool's program. */
  readonly program: string;
  /** The tree to back up. */
  readonly tree: string;
  /** The store, not yet there before `prepare`. */
  readonly store: string;
  /** HOME of the tool; XDG_CACHE_HOME and the like lie below it. */
  readonly home: string;
  /** An empty directory to restore into. */
  readonly target: string;
  /** The passphrase of the store. */
  readonly passphrase: string;
};

/** How the bench drives one backup program. One file each in `tools/`. */
export type Tool = {
  readonly name: string;
  /** The file names its program may have, looked for in `.cache/bin` and on PATH; absolute paths are taken as they are. */
  readonly programs: readonly string[];
  /** What the bench says about the tool's settings: compression, cipher. */
  readonly settings: string;
  /** Prints the version on the first line. */
  version(program: string): Command;
  /** Variables beyond the bare ones that every tool gets. */
  environment(place: Place): Readonly<Record<string, string>>;
  /** Creates the store and its settings; not timed. */
  prepare(place: Place): readonly Command[];
  backup(place: Place, phase: BackupPhase): Command;
  /** Restores the newest snapshot; `newest` is the phase that made it. */
  restore(place: Place, newest: BackupPhase): Command;
  /** The path below `place.target` at which the tree comes back. */
  restoredTree(place: Place): string;
  /** Reads and verifies every stored byte. */
  check(place: Place): Command;
};
