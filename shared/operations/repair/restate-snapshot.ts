import { concatBytes } from "#shared/bytes/concat-bytes.ts";
import { encodeHex } from "#shared/bytes/hex.ts";
import { seal } from "#shared/crypto/seal.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { idToBytes, type PackId } from "#shared/format/ids.ts";
import { packTableRowBytes } from "#shared/format/pack.ts";
import { encodeSnapshotHeader } from "#shared/format/snapshot.ts";
import { snapshotAad } from "#shared/format/snapshot-aad.ts";
import { encodeStateHead, type PackReference, type SessionEnvelope, type StatePack } from "#shared/format/state.ts";
import { stageState, type StagedState } from "#shared/log/stage-state.ts";
import { sealIndexRows } from "#shared/repository/index-section.ts";
import { mergeIndexRows } from "#shared/repository/merge-index-rows.ts";
import { SegmentReferences } from "#shared/repository/segment-references.ts";
import type { BlobStorer } from "./blob-storer.ts";
import type { Claims } from "./claims.ts";
import { indexRowsOfPacks } from "#shared/repository/index-rows-of-packs.ts";
import type { RepairPlan, Restatement } from "./repair-plan.ts";

/** What the new states of a repair are made of. */
export type RestateParts = {
  readonly plan: RepairPlan;
  /** Finished: its packs are stored. */
  readonly storer: BlobStorer;
  /** The segment in which each blob is that was saved, by its id. */
  readonly saved: ReadonlyMap<string, number>;
  readonly claims: Claims;
  /** Packs that states of this repair add already; `restateSnapshot` adds to them. */
  readonly claimed: Set<PackId>;
};

/**
 * Makes and stages the new state of a snapshot. It refers to the segments that were found for it, and adds the packs that fell to it among those that no
 * whole state adds; the first one adds the packs of the repair, too.
 *
 * @param index - its number among the restatements for which `parts.claims` was made
 * @param ownSegments - the segments that hold its snapshot copy and what else was stored for it alone
 */
export async function restateSnapshot(
  parts: RestateParts,
  restatement: Restatement,
  { index, ownSegments }: { readonly index: number; readonly ownSegments: readonly number[] },
): Promise<StagedState> {
  const { plan, storer, saved, claims, claimed } = parts;
  const { repository, survey } = plan;
  const { storeIdBytes, random, segments, clock, signer } = repository;
  const { commitId, group, header, needs } = restatement;

  const references = new SegmentReferences();
  for (const segment of ownSegments) references.mark(segment);
  for (const segment of needs.segments) {
    references.mark(segment);
    for (const kept of claims.kept.get(segment) ?? []) references.mark(kept);
  }
  for (const id of needs.salvage.keys()) {
    const segment = saved.get(id);
    if (segment !== undefined) references.mark(segment);
  }
  const named: PackReference[] = references.ofTable(segments);
  const packs: StatePack[] = [];
  const sessions = new Map<string, SessionEnvelope>([[encodeHex(storer.session.sessionId), storer.session]]);
  const runs: Uint8Array[] = [];
  let next = 0;
  const claim = (pack: StatePack): void => {
    packs.push({ packId: pack.packId, kind: pack.kind, sizeBytes: pack.sizeBytes, table: pack.table });
    claimed.add(pack.packId);
    next += pack.table.byteLength / packTableRowBytes;
  };
  const leaving: Uint8Array[] = [];
  for (const packId of claims.packs[index] ?? []) {
    const contents = survey.loosePacks.get(packId);
    if (contents === undefined) continue;
    const rows = indexRowsOfPacks([{ directories: contents.directories, firstSegment: next }]);
    (survey.leavingPacks.has(packId) ? leaving : runs).push(rows);
    claim(contents.pack);
    for (const session of contents.sessions) sessions.set(encodeHex(session.sessionId), session);
  }
  const isFirst = storer.packs.some((pack) => !claimed.has(pack.packId));
  if (isFirst) {
    runs.push(storer.indexRows(next));
    for (const pack of storer.packs) claim(pack);
  }
  for (const pack of storer.packs) {
    const reference = references.ofPack(pack.packId, pack.ordinals);
    if (reference !== undefined) named.push(reference);
  }
  const section = sealIndexRows(() => mergeIndexRows([...runs, ...leaving], { copies: "drop" }), {
    indexKey: repository.requireKey("indexKey"),
    storeId: storeIdBytes,
    packIds: packs.map((pack) => pack.packId),
    random,
  });
  const nonce = random(24);
  const aad = snapshotAad(storeIdBytes, idToBytes(commitId));
  const sealed = seal({ key: storer.sessionKey, nonce, aad }, encodeSnapshotHeader(header));
  const head = encodeStateHead(
    {
      storeId: repository.config.storeId,
      commitId,
      author: signer.publicKey,
      createdMs: Math.max(0, Math.floor(clock.nowMs())),
      baseSeq: repository.log.seq,
      group,
      packs,
      references: named,
      sessions: [...sessions.values()],
      snapshotSession: storer.session.sessionId,
      sealedSnapshot: concatBytes(nonce, sealed),
      indexBytes: section.reduce((sum, part) => sum + part.byteLength, 0),
      indexSha256: sha256(...section),
    },
    (message) => signer.sign(message),
  );
  return stageState(repository.store, head, section);
}
