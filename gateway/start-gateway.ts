import type { HoldfastError } from "#shared/errors.ts";
import type { Snapshot } from "#shared/snapshot/read-snapshot.ts";
import type { FollowedStore } from "#shared/view/followed-store.ts";
import { readAccessConfig } from "./access/access-config.ts";
import { configuredAccess, openAccess } from "./access/configured-access.ts";
import { mountSnapshot, mountStore } from "./access/granted-mount.ts";
import { type RunningGateway, type ServeOptions, serveGateway } from "./node.ts";

/** What a gateway of this process is started with: plain data beside the opened store. */
export type GatewayStart = Omit<ServeOptions, "mount" | "access"> & {
  readonly store: FollowedStore;
  /** The snapshot that is served, and the directory of it; undefined: all snapshots of the store. */
  readonly snapshot: { readonly snapshot: Snapshot; readonly root: string | undefined } | undefined;
  /** Who may see what, as `readAccessConfig` reads it, and where it stands; undefined: nobody is asked. */
  readonly access: { readonly json: string; readonly where: string } | undefined;
  /** Told of each snapshot that cannot be read. */
  readonly onProblem: (problem: HoldfastError) => void;
};

/** Starts a gateway in this process. Throws as `readAccessConfig` and `serveGateway`. */
export async function startGateway(start: GatewayStart): Promise<RunningGateway> {
  const { store, snapshot, access, onProblem, ...options } = start;
  return serveGateway({
    ...options,
    access: access === undefined ? openAccess : configuredAccess(readAccessConfig(access.json, access.where)),
    mount:
      snapshot === undefined ? mountStore(store, onProblem) : mountSnapshot(store, snapshot.snapshot, snapshot.root),
  });
}
