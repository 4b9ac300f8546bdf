import type { Engine } from "#agent/commands/engine.ts";
import type { Directories } from "#agent/config/directories.ts";
import type { SecretSources } from "#agent/config/read-secret.ts";
import { systemClock } from "#shared/clock.ts";
import { HoldfastError } from "#shared/errors.ts";
import type { Reporter } from "#shared/operations/progress.ts";
import { systemRandom } from "#shared/random.ts";
import { probeStore } from "#shared/store/probe-store.ts";
import type { Store } from "#shared/store/store.ts";

/** What the operations of one run work with. */
export type EngineParts = {
  /** Bare: without retrying, limits or a cache. */
  readonly store: Store;
  /** Not made yet: see `privateDirectory`. */
  readonly directories: Directories;
  readonly useCache: boolean;
  /** Requests in flight and worker threads at most; undefined: the default. */
  readonly concurrency: number | undefined;
  readonly secretSources: SecretSources;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
};

/** The engine on a store. */
export function storeEngine(parts: EngineParts): Engine {
  const { store, signal } = parts;
  return {
    create: missing("make a store"),
    backup: missing("back up"),
    restore: missing("restore"),
    check: missing("check"),
    snapshots: missing("list snapshots"),
    snapshot: missing("look up a snapshot"),
    entries: missing("list entries"),
    read: missing("read a file"),
    entryErrors: missing("list errors"),
    info: missing("tell about the store"),
    remove: missing("remove snapshots"),
    undelete: missing("undelete snapshots"),
    keys: missing("list keys"),
    addKey: missing("add a key"),
    removeKey: missing("remove a key"),
    changePassphrase: missing("change the passphrase"),
    probe: (onCheck) => orAborted(signal, probeStore(store, { clock: systemClock, random: systemRandom, onCheck })),
    close: () => store.close(),
  };
}

function missing(what: string): () => never {
  return () => {
    throw new HoldfastError("internal", `Cannot ${what}: this version has no such operation`);
  };
}

/** What `work` comes to, or the signal's reason when that is first; `work` is left to itself then. */
function orAborted<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
  return Promise.race([work, aborted]);
}
