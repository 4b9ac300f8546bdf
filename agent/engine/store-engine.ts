import type { Engine, EntrySummary } from "#agent/commands/engine.ts";
import { lookAtUnused } from "#agent/config/read-secret.ts";
import { systemClock } from "#shared/clock.ts";
import { HoldfastError } from "#shared/errors.ts";
import { decodeErrorList } from "#shared/format/error-list.ts";
import { entryTypes } from "#shared/format/entry.ts";
import { formatVersions } from "#shared/format/version.ts";
import { idToBytes } from "#shared/format/ids.ts";
import { logMark } from "#shared/log/log-state.ts";
import { warnOfCondemned } from "#shared/operations/warn-of-condemned.ts";
import type { Report } from "#shared/operations/progress.ts";
import { systemRandom } from "#shared/random.ts";
import { liveRecords, readSnapshot } from "#shared/snapshot/read-snapshot.ts";
import { readContent } from "#shared/snapshot/read-content.ts";
import { snapshotReader } from "#shared/snapshot/snapshot-reader.ts";
import { type PlacedEntry, SnapshotTree } from "#shared/snapshot/snapshot-tree.ts";
import { viewEntryTypes } from "#shared/view/view.ts";
import type { EngineParts } from "./engine-parts.ts";
import {
  findRecord,
  findRemoved,
  findSnapshot,
  matchingSnapshots,
  summaryAnyway,
  summaryOf,
} from "./find-snapshots.ts";
import { keyOperations } from "./key-operations.ts";
import { reserveUsingStore } from "#shared/store/reserve-using-store.ts";
import { leanMemory } from "./lean-memory.ts";
import { proveBucket } from "./prove-bucket.ts";
import { requireClock } from "./require-clock.ts";
import { requireFile } from "./require-file.ts";
import { openSession, rememberLog, type Session, steadyStore } from "./session.ts";

/**
 * The engine on a store: opens it once, with the run's secret, when the first operation needs it.
 *
 * What one operation alone needs is loaded with it: compiled code counts in the time of a short run.
 */
export function storeEngine(parts: EngineParts): Engine {
  const { store, signal, reporter } = parts;
  let opened: Promise<Session> | undefined;
  const session = (use: "read" | "write" = "read"): Promise<Session> => (opened ??= openSession(parts, use));
  const finish = (report: Report): Report => {
    reporter.finish(report);
    return report;
  };
  let hasWarned = false;
  const warnOnce = async (): Promise<void> => {
    if (!hasWarned) hasWarned = warnOfCondemned((await session()).repository, reporter) > 0;
  };
  const snapshotTree = async (reference: Parameters<Engine["snapshot"]>[0]): Promise<SnapshotTree> => {
    const { repository } = await session();
    const snapshot = await findSnapshot(repository, reference, reporter);
    repository.prefer(snapshot.id);
    return new SnapshotTree(snapshot, await snapshotReader(repository, snapshot.id));
  };
  return {
    async create(request) {
      requireClock();
      const steady = steadyStore(parts);
      await proveBucket(parts, steady);
      const passphrase = request.plaintext ? undefined : await request.newPassphrase();
      const { createRepository } = await import("#shared/repository/create-repository.ts");
      const made = await createRepository({
        store: steady,
        passphrase,
        settings: given({
          chunkMinBytes: request.chunkMinBytes,
          chunkAvgBytes: request.chunkAvgBytes,
          chunkMaxBytes: request.chunkMaxBytes,
          compressionLevel: request.compressionLevel,
          graceMs: request.graceMs,
        }),
        keepRecoveryKey: request.keepRecoveryKey,
        random: systemRandom,
        clock: systemClock,
      });
      return { storeId: made.config.storeId };
    },
    async backup(request) {
      const { runBackup } = await import("./run-backup.ts");
      return finish(await leanMemory(() => runBackup(parts, () => session("write"), request)));
    },
    async restore(request) {
      const { runRestore } = await import("./run-restore.ts");
      return finish(await leanMemory(async () => runRestore(parts, await session(), request)));
    },
    async check(request) {
      const { runCheck } = await import("./run-check.ts");
      return finish(await leanMemory(async () => runCheck(parts, await session(), request)));
    },
    async maintenance(request) {
      const { runMaintenance } = await import("./run-maintenance.ts");
      return finish(await leanMemory(() => runMaintenance(parts, request)));
    },
    async repair(request) {
      const { runRepair } = await import("./run-repair.ts");
      return finish(await leanMemory(() => runRepair(parts, request)));
    },
    async *snapshots(filter) {
      const { repository, cutOff } = await session();
      const whole = yield* matchingSnapshots(repository, filter, reporter);
      if (cutOff !== undefined) {
        throw new HoldfastError("corrupt", "Cannot list all snapshots: entries at the end of the log are lost", {
          detail: cutOff.detail,
          hint: "Run `holdfast repair` to see what can be brought back.",
        });
      }
      if (!whole) {
        throw new HoldfastError("corrupt", "Cannot list all snapshots: some cannot be read", {
          hint: "Run `holdfast check` to see what is damaged.",
        });
      }
    },
    async snapshot(reference) {
      const { repository } = await session();
      return summaryOf(await findSnapshot(repository, reference, reporter));
    },
    async *entries({ snapshot, path }, { recursive }) {
      const tree = await snapshotTree(snapshot);
      const place = await tree.find(path ?? "/");
      if (place.entry.type !== entryTypes.directory) {
        yield entrySummary(place);
        return;
      }
      for await (const each of recursive ? tree.below(place) : tree.list(place)) yield entrySummary(each);
      await warnOnce();
    },
    async *read({ snapshot, path }) {
      const tree = await snapshotTree(snapshot);
      const place = await tree.find(path ?? "/");
      requireFile(place);
      const { repository } = await session();
      yield* readContent(place.entry, await snapshotReader(repository, tree.snapshot.id));
      await warnOnce();
    },
    async *entryErrors(reference) {
      const { repository } = await session();
      const { id, header } = await findSnapshot(repository, reference, reporter);
      if (header.errorList === undefined) return;
      const reader = await snapshotReader(repository, id);
      yield* decodeErrorList(await reader.readNode(idToBytes(header.errorList)), "the error list of a snapshot");
    },
    async info() {
      const { repository } = await session();
      await repository.loadHeads();
      const { config, log, segments } = repository;
      const live = liveRecords(repository).length;
      const packs = segments.packs.filter((pack) => !log.swept.has(pack.packId));
      return {
        storeId: config.storeId,
        formatVersion: formatVersions.config,
        createdMs: config.createdMs,
        encrypted: config.secrecy === "sealed",
        snapshots: live,
        removedSnapshots: log.snapshots.size - live,
        logEntries: log.seq,
        packs: packs.length,
        packBytes: sizeOf(packs),
        condemnedPacks: log.condemned.size,
        condemnedBytes: sizeOf(packs.filter((pack) => log.condemned.has(pack.packId))),
        chunkMinBytes: config.chunker.minBytes,
        chunkAvgBytes: config.chunker.avgBytes,
        chunkMaxBytes: config.chunker.maxBytes,
        compressionLevel: config.compression.level,
        graceMs: log.graceMs ?? config.graceMs,
      };
    },
    async remove(references, { apply }) {
      const { repository } = await session("write");
      const records = [];
      for (const reference of references) records.push(await findRecord(repository, reference, reporter));
      const summaries = [];
      for (const record of records) summaries.push(await summaryAnyway(repository, record, reporter));
      if (apply) {
        const { removeSnapshots } = await import("#shared/log/remove-snapshots.ts");
        const result = await removeSnapshots(
          appender(parts, repository),
          records.map((record) => record.stateId),
        );
        repository.log = result.state;
        rememberLog(parts, repository);
      }
      return summaries;
    },
    async undelete(references) {
      const { repository } = await session("write");
      const records = references.map((reference) => findRemoved(repository, reference));
      const { undeleteOrTell } = await import("./undelete-or-tell.ts");
      const result = await undeleteOrTell(repository, appender(parts, repository), records);
      repository.log = result.state;
      rememberLog(parts, repository);
      const summaries = [];
      for (const { stateId } of records) {
        const record = result.state.snapshots.get(stateId);
        if (record !== undefined) summaries.push(summaryOf(await readSnapshot(repository, record)));
      }
      return summaries;
    },
    ...keyOperations(() => session(), reporter),
    async mount(request, onPlace) {
      const { runMount } = await import("./run-mount.ts");
      await leanMemory(() => runMount(parts, session, request, onPlace));
    },
    async probe(onCheck) {
      await lookAtUnused(parts.secretSources, signal);
      const { probeStore } = await import("#shared/store/probe-store.ts");
      const { storeDirectory } = parts;
      const { probeDirectory } = await import("./probe-directory.ts");
      const tidy = storeDirectory === undefined ? undefined : probeDirectory(storeDirectory);
      return probeStore(store, {
        clock: systemClock,
        random: systemRandom,
        onCheck,
        signal,
        ...(tidy === undefined ? {} : { tidy }),
      });
    },
    close: () => store.close(),
  };
}

function appender(parts: EngineParts, repository: Session["repository"]) {
  return {
    store: reserveUsingStore(repository.store),
    signer: repository.signer,
    clock: systemClock,
    random: systemRandom,
    from: repository.log,
    atLeast: logMark(repository.log),
    signal: parts.signal,
  };
}

function sizeOf(packs: readonly { readonly sizeBytes: number }[]): number {
  return packs.reduce((sum, pack) => sum + pack.sizeBytes, 0);
}

function entrySummary({ path, entry, source, describedBy }: PlacedEntry): EntrySummary {
  const names = source ?? describedBy;
  return {
    path,
    type: viewEntryTypes[entry.type],
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    user: names?.userNames.get(String(entry.uid)),
    group: names?.groupNames.get(String(entry.gid)),
    sizeBytes: entry.size,
    mtimeSeconds: entry.mtimeSec,
    mtimeNanoseconds: entry.mtimeNsec,
    linkCount: entry.nlink,
    target: entry.target,
    xattrs: entry.xattrs?.length ?? 0,
  };
}

/** The fields that have a value. */
function given<Fields extends Record<string, number | undefined>>(fields: Fields): { [Name in keyof Fields]?: number } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Fields]?: number;
  };
}
