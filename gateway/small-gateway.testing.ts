import { once } from "node:events";
import { connect } from "node:net";
import { impatientClock, openSmall } from "#shared/operations/small-store.testing.ts";
import type { Store } from "#shared/store/store.ts";
import { FollowedStore } from "#shared/view/followed-store.ts";
import { openAccess } from "./access/configured-access.ts";
import { mountSnapshot, mountStore } from "./access/granted-mount.ts";
import type { AccessRecord } from "./access-record.ts";
import type { Mount } from "./mount.ts";
import { type RunningGateway, type ServeOptions, serveGateway } from "./node.ts";

/** A gateway on a port of its own, and what it told. */
export type SmallGateway = {
  readonly gateway: RunningGateway;
  /** Without a closing slash. */
  readonly url: string;
  readonly records: AccessRecord[];
  readonly faults: unknown[];
};

/** The newest snapshot of a store, or all of them, as a mount. */
export async function mountOf(store: Store, kind: "snapshot" | "store" = "snapshot", root?: string): Promise<Mount> {
  const followed = new FollowedStore(await openSmall(store), { clock: impatientClock, refreshMs: 0 });
  if (kind === "store") return mountStore(followed, () => undefined);
  const [record] = await followed.records();
  return mountSnapshot(followed, await followed.snapshot(record!), root);
}

/** Serves a mount over HTTP at 127.0.0.1. */
export async function serveSmall(mount: Mount, options: Partial<ServeOptions> = {}): Promise<SmallGateway> {
  const records: AccessRecord[] = [];
  const faults: unknown[] = [];
  const gateway = await serveGateway({
    mount,
    access: openAccess,
    listeners: [{ host: "127.0.0.1", port: 0, protocols: ["http"] }],
    onAccess: (record) => records.push(record),
    onFault: (fault) => faults.push(fault),
    ...options,
  });
  return { gateway, url: gateway.places[0]!.url.replace(/\/$/, ""), records, faults };
}

/** Sends bytes as they are and gives back all that comes until the server ends the connection. */
export async function rawRequest(url: string, request: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const parts: Buffer[] = [];
  socket.on("data", (part: Buffer) => parts.push(part));
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write(Buffer.from(request, "latin1"));
  await once(socket, "close");
  return Buffer.concat(parts).toString("latin1");
}
