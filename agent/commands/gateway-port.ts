import type { HoldfastError } from "#shared/errors.ts";
import type { Snapshot } from "#shared/snapshot/read-snapshot.ts";
import type { FollowedStore } from "#shared/view/followed-store.ts";

/** The protocols that a mount can speak. */
export const mountProtocols = ["http", "webdav", "s3", "ui"] as const;
/** One of `mountProtocols`. */
export type MountProtocol = (typeof mountProtocols)[number];

/** Where a mount listens, and what it speaks there. */
export type MountListener = {
  readonly host: string;
  readonly port: number;
  readonly protocols: readonly MountProtocol[];
};

/** A request that was answered, for the access log. Its path is as it was written, without the query. */
export type MountAccess = {
  readonly timeMs: number;
  readonly durationMs: number;
  readonly address: string | undefined;
  readonly principal: string | undefined;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly sentBytes: number;
  readonly failure: string | undefined;
};

/** What a gateway is started with. */
export type GatewayStart = {
  readonly store: FollowedStore;
  /** The snapshot that is served, and the directory of it; undefined: all snapshots of the store. */
  readonly snapshot: { readonly snapshot: Snapshot; readonly root: string | undefined } | undefined;
  readonly listeners: readonly MountListener[];
  /** Who may see what, as JSON, and where it stands; undefined: nobody is asked. */
  readonly access: { readonly json: string; readonly where: string } | undefined;
  /** PEM texts. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly isPlainAllowed: boolean;
  readonly connections: number | undefined;
  readonly requestsPerSecond: number | undefined;
  /** Milliseconds for which a client may take nothing. */
  readonly stallMs: number | undefined;
  /** Addresses and networks of proxies that may tell for whom they ask. */
  readonly trustedProxies: readonly string[];
  readonly onAccess: ((record: MountAccess) => void) | undefined;
  readonly onFault: (fault: unknown) => void;
  readonly onProblem: (problem: HoldfastError) => void;
};

/** A gateway that runs. */
export type StartedGateway = {
  readonly places: readonly MountPlace[];
  /** Takes no more requests, lets what is being sent end for so many milliseconds, then ends all. */
  close(graceMs: number): Promise<void>;
};

/** A URL at which a protocol is served. */
export type MountPlace = { readonly protocol: MountProtocol; readonly url: string };

/** Starts a gateway: the agent's port to the house that serves. `wiring.ts` joins them. */
export type StartGateway = (start: GatewayStart) => Promise<StartedGateway>;
