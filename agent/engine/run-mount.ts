import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { availableParallelism } from "node:os";
import type { MountRequest, ServedPlace } from "#agent/commands/engine.ts";
import type { MountAccess } from "#agent/commands/gateway-port.ts";
import { readBoundedFile } from "#agent/config/read-bounded-file.ts";
import { readGuardedFile } from "#agent/config/read-guarded-file.ts";
import { systemClock } from "#shared/clock.ts";
import { displayPath } from "#agent/filesystem/display-path.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { Reporter } from "#shared/operations/progress.ts";
import { SegmentThreads } from "#shared/repository/segment-threads.ts";
import { FollowedStore } from "#shared/view/followed-store.ts";
import { SnapshotView } from "#shared/view/snapshot-view.ts";
import type { EngineParts } from "./engine-parts.ts";
import { findSnapshot } from "./find-snapshots.ts";
import type { Session } from "./session.ts";

/** Milliseconds that a response has to end when the mount is stopped. */
const graceMs = 3000;
/** Bytes of the access log that wait for a slow disk; lines beyond are lost, and said to be. */
const logBytesMax = 4 * 1024 * 1024;
/** Threads that open segments of content, at most; where there are but two processors, the one that serves does it. */
const openingThreadsMax = 4;
/** Bytes of a certificate with those above it, and of its key. */
const pemBytesMax = 1024 * 1024;
/** Where rules of access come from that know a token and nothing else. */
const linkRules = "the link";

/**
 * Serves a store until the run's signal says stop, which is how a mount ends well.
 *
 * @param onPlace - told of every place that is served, once all are
 */
export async function runMount(
  parts: EngineParts,
  session: () => Promise<Session>,
  request: MountRequest,
  onPlace: (place: ServedPlace) => void,
): Promise<void> {
  const { startGateway, reporter, signal } = parts;
  if (startGateway === undefined) throw new HoldfastError("internal", "Cannot serve: no gateway is wired");
  const access = await accessOf(parts, request);
  const tls = await tlsOf(request, signal);
  const warn = (message: string): void => reporter.notice({ level: "warning", message });
  const { repository } = await session();
  const store = new FollowedStore(repository, {
    clock: systemClock,
    chunkOpener: new SegmentThreads(Math.min(openingThreadsMax, Math.max(0, availableParallelism() - 2))),
    onProblem: (problem) => warn(problem.message),
  });
  const snapshot = await snapshotOf(store, repository, request, reporter);
  const log = request.accessLogFile === undefined ? undefined : await openLog(request.accessLogFile, warn);
  const told = new Set<string>();
  const gateway = await startGateway({
    store,
    snapshot,
    listeners: request.listeners,
    access,
    tls,
    isPlainAllowed: request.isPlainAllowed,
    connections: request.connections,
    requestsPerSecond: request.requestsPerSecond,
    stallMs: request.stallMs,
    trustedProxies: request.trustedProxies,
    onAccess: log === undefined ? undefined : (record) => log.write(record),
    onFault: (fault) => warn(`A response broke: ${fault instanceof Error ? fault.message : String(fault)}`),
    onProblem(problem) {
      if (told.size < 1000 && !told.has(problem.message)) warn(problem.message);
      told.add(problem.message);
    },
  });
  parts.patience.serve();
  try {
    const needsLink = access?.where === linkRules;
    for (const place of gateway.places) onPlace({ ...place, needsLink });
    if (!signal.aborted) await once(signal, "abort");
  } finally {
    await gateway.close(graceMs);
    await log?.close();
  }
}

async function snapshotOf(
  store: FollowedStore,
  repository: Session["repository"],
  { reference }: MountRequest,
  reporter: Reporter,
) {
  if (reference === undefined) {
    await store.warm();
    return undefined;
  }
  const snapshot = await findSnapshot(repository, reference.snapshot, reporter);
  const root = reference.path === "/" ? undefined : reference.path;
  const top = await new SnapshotView(store, snapshot.id).stat(root ?? "/");
  if (top.type !== "directory") {
    const what = `Cannot serve ${displayPath(root ?? "/")} of snapshot ${snapshot.id.slice(0, 8)}: it is a ${top.type}`;
    throw new HoldfastError("invalid", what, {
      hint: "Serve the directory that it is in; `holdfast cat` writes a single file.",
    });
  }
  await store.warm(snapshot);
  return { snapshot, root };
}

async function accessOf(parts: EngineParts, { accessFile, linkToken }: MountRequest) {
  if (accessFile !== undefined) {
    return { json: await readGuardedFile(accessFile, "access rules", parts.signal), where: accessFile };
  }
  if (parts.mountAccess !== undefined) return { json: parts.mountAccess, where: "HOLDFAST_MOUNT_ACCESS" };
  if (linkToken === undefined) return undefined;
  return { json: JSON.stringify({ tokens: [{ name: "link", token: linkToken }] }), where: linkRules };
}

async function tlsOf(
  { certFile, keyFile }: MountRequest,
  signal: AbortSignal,
): Promise<{ cert: string; key: string } | undefined> {
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new HoldfastError("invalid", "Cannot speak TLS: --cert and --key go together");
  }
  if (certFile === undefined || keyFile === undefined) return undefined;
  const [cert, key] = [
    await readBoundedFile({ path: certFile, what: "certificate", limitBytes: pemBytesMax, signal }),
    await readBoundedFile({ path: keyFile, what: "key", limitBytes: pemBytesMax, signal }),
  ];
  return { cert: cert.toString("utf8"), key: key.toString("utf8") };
}

/** Adds lines to a file that only its owner may read. */
async function openLog(path: string, warn: (message: string) => void) {
  const stream: WriteStream = createWriteStream(path, { flags: "a", mode: 0o600 });
  try {
    await once(stream, "open");
  } catch (cause) {
    if (isHoldfastError(cause)) throw cause;
    throw new HoldfastError("unavailable", `Cannot write ${path}: ${(cause as Error).message}`, { cause });
  }
  let lost = 0;
  let hasFailed = false;
  stream.on("error", (error) => {
    if (!hasFailed) warn(`Cannot write the access log: ${error.message}`);
    hasFailed = true;
  });
  return {
    write(record: MountAccess): void {
      if (hasFailed) return;
      if (stream.writableLength > logBytesMax) {
        if (lost++ === 0) warn("The access log is behind: lines are lost");
        return;
      }
      const { timeMs, ...rest } = record;
      stream.write(`${JSON.stringify({ time: new Date(timeMs).toISOString(), ...rest })}\n`);
    },
    async close(): Promise<void> {
      if (hasFailed) return;
      stream.end();
      await once(stream, "close");
    },
  };
}
