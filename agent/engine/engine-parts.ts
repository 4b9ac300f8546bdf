import type { Directories } from "#agent/config/directories.ts";
import type { StartGateway } from "#agent/commands/gateway-port.ts";
import type { SecretSources } from "#agent/config/read-secret.ts";
import type { Reporter } from "#shared/operations/progress.ts";
import type { Store } from "#shared/store/store.ts";
import type { Patience } from "./patience.ts";

/** What the operations of one run work with. */
export type EngineParts = {
  /** Bare: without retrying, limits or a cache. */
  readonly store: Store;
  /** The place of a directory store, for a backup to pass over; undefined for other stores. */
  readonly storeDirectory: string | undefined;
  /** A bucket, with its server and the prefix: what is remembered as fit to write to. Left out for stores that are, such as directories. */
  readonly bucket?: string | undefined;
  /** The storage class of packs, where the store lies in AWS S3 and has a price; undefined elsewhere. */
  readonly storageClass: string | undefined;
  /** Not made yet: see `privateDirectory`. */
  readonly directories: Directories;
  readonly useCache: boolean;
  /** Go on with a store whose log is not the one that was seen before, and remember it from now on. */
  readonly acceptRollback: boolean;
  /** Requests in flight and worker threads at most; undefined: the default. */
  readonly concurrency: number | undefined;
  readonly patience: Patience;
  /** How young the times of a file may be for a backup to rely on them, milliseconds; undefined: the default. */
  readonly settleMs?: number | undefined;
  readonly secretSources: SecretSources;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** What serves a mount; undefined: nothing does. */
  readonly startGateway?: StartGateway;
  /** Who may see what is mounted, as JSON, where the environment says it. */
  readonly mountAccess?: string | undefined;
};
