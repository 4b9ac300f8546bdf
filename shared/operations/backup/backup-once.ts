import type { Importer } from "#shared/connectors/importer.ts";
import type { Entry } from "#shared/format/entry.ts";
import { encodeErrorList } from "#shared/format/error-list.ts";
import { decodeTreeNode, type TreeNode } from "#shared/format/tree-node.ts";
import type { SnapshotHeader, SnapshotSource } from "#shared/format/snapshot.ts";
import { nodeName } from "#shared/tree/read-tree.ts";
import type { Progress } from "#shared/operations/progress.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { seededNumbers } from "#shared/seeded-numbers.ts";
import { ChangeSignal } from "#shared/work/change-signal.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { drawSession } from "#shared/repository/session-keys.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { adoptPacks } from "./adopt-packs.ts";
import type { BackupOptions, BackupReport } from "./backup.ts";
import type { Comparison } from "./comparison.ts";
import { BackupRun } from "./backup-run.ts";
import { type BackedUpSource, backupSource } from "./backup-source.ts";
import { type Doubts, settleMs, youngTimes } from "./doubts.ts";
import { entryOfRecord } from "./entry-of-record.ts";
import { chosenParents, findParents, type ParentSource } from "./find-parent.ts";
import { findUnsafePacks } from "./find-unsafe-packs.ts";
import { IndexOnDemand } from "./index-on-demand.ts";
import type { JournalRecord } from "./journal.ts";
import { leavesToRemember } from "./leaves-to-remember.ts";
import { SessionWriter } from "./session-writer.ts";
import { lossesOfSource } from "./losses-of-source.ts";
import { trustedParents } from "./trusted-parents.ts";
import { type UsableLeaves, usableLeaves } from "./usable-leaves.ts";

/** What the rounds of one backup come to together. */
export type BackupLedger = {
  /** Content that was not in the store before, as plaintext. */
  newBytes: number;
  /** Bytes sent to the store. */
  storedBytes: number;
  /** Packs taken over from an interrupted backup. */
  adoptedPacks: number | undefined;
  /** Packs that the round at hand has stored. */
  storedPacks: readonly JournalRecord[];
};

/**
 * Makes a snapshot of what the repository's fold, and the sources, are like now: one round of a backup.
 *
 * @throws {UnusableMemory} what is remembered does not hold
 * @throws {HoldfastError} conflict: something that it built on was swept meanwhile (`detail.rule` "packs-are-not-swept"); `ledger` tells what was stored
 */
export async function backupOnce(
  options: BackupOptions,
  round: {
    readonly progress: Progress;
    readonly startedMs: number;
    /** Packs that are stored and published nowhere. */
    readonly left: readonly JournalRecord[];
    /** Whether it goes by what is remembered of the sources. */
    readonly isMemoryUsed: boolean;
    readonly ledger: BackupLedger;
  },
): Promise<BackupReport> {
  const { repository, importers, reporter } = options;
  const { progress, startedMs, ledger } = round;
  const { clock } = repository;
  // Other threads seal the key while this one reads.
  const drawing = drawSession(repository);
  drawing.catch(() => undefined); // whoever waits for it is told
  await repository.loadHeads();
  const isSafe = await findUnsafePacks(repository, reporter);
  const index = new IndexOnDemand(repository, { reporter, isSafe });
  // What is taken over is added to the index.
  if (round.left.length > 0) await index.load();
  const adopted = await adoptPacks(repository, round.left);
  ledger.adoptedPacks ??= adopted.packs.length;
  const before =
    options.parent === undefined
      ? await findParents(repository, importers, options)
      : await chosenParents(repository, importers, options.parent);
  const settle = options.settleMs ?? settleMs;
  const trusted = options.force ? importers.map(() => undefined) : await trustedParents(options, before);
  const parents = trusted.map((each) => each?.parent);
  // What was there last time is a fair guess at what there is to do.
  for (const parent of parents) {
    if (parent === undefined) continue;
    progress.entriesTotal = (progress.entriesTotal ?? 0) + parent.source.tree.entries;
    progress.bytesTotal = (progress.bytesTotal ?? 0) + parent.source.tree.totalBytes;
  }
  const changes = new ChangeSignal(
    options.signal,
    () => new HoldfastError("interrupted", "The backup was interrupted: no snapshot was made"),
  );
  const session = await SessionWriter.begin({
    repository,
    changes,
    drawn: await drawing,
    adopted,
    journal: options.journal,
    releaseMemory: options.releaseMemory,
    uploads: options.uploads,
  });
  const young = youngTimes({ timeMs: startedMs, durationMs: 0, settleMs: settle });
  const reread = rereadOf(options);
  const run = new BackupRun({ session, index, progress, reporter, changes, young, reread, threads: options.threads });
  try {
    for (const problem of options.problems ?? []) run.addError(problem);
    progress.phase = "backing up";
    const sources: SnapshotSource[] = [];
    const toRemember: (() => void)[] = [];
    for (const [number, importer] of importers.entries()) {
      const parent = parents[number];
      const doubts = trusted[number]?.doubts;
      const known =
        parent === undefined || reread !== undefined || (doubts?.paths.size ?? 0) > 0
          ? undefined
          : usableLeaves(round.isMemoryUsed ? options.memory?.recall(importer.root) : undefined, repository, {
              root: parent.source.tree.nodeId,
              isSafe,
            });
      if (known === undefined) await index.load();
      else {
        index.useMemory();
        session.rememberNodes(known.inner);
      }
      const { source, recorded } = await backupOne(run, importer, {
        parent,
        known,
        doubts,
        comparison: options.comparison,
      });
      sources.push(source);
      const was = before[number];
      const { root, options: read, tree } = source;
      if (was !== undefined)
        for (const loss of lossesOfSource({ root, options: read, entries: tree.entries }, was)) run.addError(loss);
      toRemember.push(() => {
        if (recorded === undefined || options.memory === undefined) return;
        const leaves = leavesToRemember(recorded, { root: source.tree.nodeId, session, known });
        if (leaves !== undefined) options.memory.remember(importer.root, leaves);
      });
    }
    progress.phase = "storing";
    const overflowRows = await run.finishContent();
    const errorList = run.errors.length === 0 ? undefined : session.writeBlob(encodeErrorList(run.errors));
    const header: SnapshotHeader = {
      timeMs: startedMs,
      durationMs: Math.max(0, clock.nowMs() - startedMs),
      host: options.host,
      user: options.user,
      name: options.name,
      tags: options.tags,
      program: options.program,
      sources,
      parent: parents.find((each) => each !== undefined)?.snapshot.id,
      errorCount: run.counts.errors,
      errorList,
      lost: [...new Set(importers.flatMap((importer) => importer.lost))],
    };
    const group = groupOf(options, repository);
    session.writeSnapshotCopy(header, group);
    await session.finishPacks();
    progress.bytesStored = session.packs.storedBytes;
    progress.phase = "publishing";
    const durationMs = Math.max(0, clock.nowMs() - startedMs);
    const published = await session.publish(
      { ...header, durationMs },
      {
        overflowRows,
        group,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      },
    );
    for (const remember of toRemember) remember();
    ledger.newBytes += run.counts.newBytes;
    ledger.storedBytes += session.packs.storedBytes + published.stateBytes;
    return {
      snapshotId: published.snapshotId,
      seq: published.seq,
      parentId: header.parent,
      entries: sources.reduce((sum, source) => sum + source.tree.entries, 0),
      totalBytes: sources.reduce((sum, source) => sum + source.tree.totalBytes, 0),
      unchanged: run.counts.unchanged,
      changed: run.counts.changed,
      newBytes: ledger.newBytes,
      storedBytes: ledger.storedBytes,
      adoptedPacks: ledger.adoptedPacks,
      errorCount: run.counts.errors,
      changedWhileRead: run.counts.changedWhileRead,
      reread: run.counts.reread,
      differing: run.counts.differing,
      durationMs: Math.max(0, clock.nowMs() - startedMs),
    };
  } catch (error) {
    ledger.newBytes += run.counts.newBytes;
    ledger.storedBytes += session.packs.storedBytes;
    ledger.storedPacks = session.storedPacks;
    throw error;
  } finally {
    await run.close();
    await session.packs.settle();
  }
}

async function backupOne(
  run: BackupRun,
  importer: Importer,
  previous: {
    readonly parent: ParentSource | undefined;
    readonly known: UsableLeaves | undefined;
    readonly comparison: Comparison | undefined;
    readonly doubts: Doubts | undefined;
  },
): Promise<{ source: SnapshotSource; recorded: BackedUpSource["recorded"] }> {
  const { repository } = run.session;
  const { parent, known, comparison, doubts } = previous;
  await run.useImporter(importer);
  let made: BackedUpSource;
  if (parent === undefined || doubts === undefined) made = await backupSource(run, importer, undefined);
  else {
    const reader = await repository.blobReader();
    const readNode = async (nodeId: Uint8Array): Promise<TreeNode> =>
      decodeTreeNode(await reader.readNode(nodeId), `tree node ${nodeName(nodeId)}`);
    made = await backupSource(run, importer, {
      root: parent.source.tree,
      readNode,
      reader,
      known,
      doubts,
      ...(comparison === undefined ? {} : { comparison }),
    });
  }
  const parents = describeParents(run, importer);
  const source = {
    type: importer.type,
    origin: importer.origin,
    root: importer.root,
    options: importer.options,
    tree: made.tree,
    userNames: importer.userNames(parent?.source.userNames ?? new Map()),
    groupNames: importer.groupNames(parent?.source.groupNames ?? new Map()),
    ...(parents.length === 0 ? {} : { parents }),
  };
  return { source, recorded: made.recorded };
}

/** The directories that lead to the root of a source, as entries; none where one of them cannot be looked at, which is reported. */
function describeParents(run: BackupRun, importer: Importer): Entry[] {
  try {
    return (importer.parents?.() ?? []).map((record) => {
      const { target: _target, problems, ...details } = importer.describe(record);
      for (const message of problems) run.addError({ path: record.path, kind: "metadata", message });
      return Object.assign(entryOfRecord(record), details);
    });
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    run.addError({ path: importer.root, kind: String(error.detail["errno"] ?? error.kind), message: error.message });
    return [];
  }
}

/** What snapshots of one retention group share, without telling what: a keyed hash of host, name and roots. */
function groupOf(options: BackupOptions, repository: Repository): Uint8Array {
  const { host, name, importers } = options;
  const text = JSON.stringify([host, name, importers.map((importer) => importer.root)]);
  return sha256(repository.requireKey("idKey"), Buffer.from(`holdfast/v1/group\0${text}`, "utf8")).slice(0, 16);
}

/** Draws which unchanged files are read again. */
function rereadOf({ rereadPercent, repository }: BackupOptions): (() => boolean) | undefined {
  if (rereadPercent === undefined) return undefined;
  const draw = seededNumbers(new DataView(repository.random(4).buffer).getUint32(0));
  return () => draw() * 100 < rereadPercent;
}
