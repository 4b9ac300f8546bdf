import type { CommitId, PackId, StateId } from "#shared/format/ids.ts";
import type { SnapshotHeader } from "#shared/format/snapshot.ts";
import type { LogState, SnapshotRecord } from "#shared/log/log-state.ts";
import type { Repository } from "#shared/repository/repository.ts";
import type { Needs } from "./need-walk.ts";
import type { SalvagedLog } from "./salvage-log.ts";
import type { Survey, UnpublishedState } from "./survey.ts";

/**
 * Something that is wrong, and what comes of it: `mended` by applying the plan; `lost` for good, as far as this store goes; `noted`:
 * no damage, but worth knowing.
 */
export type Finding = {
  readonly remedy: "mended" | "lost" | "noted";
  /** The key of the object concerned, or `snapshot <id>`. */
  readonly object: string;
  readonly message: string;
  /** Snapshots concerned, by id. */
  readonly snapshots: readonly string[];
  /** Paths concerned, as binary strings: the first ten thousand of each snapshot. */
  readonly paths: readonly string[];
};

/** A snapshot that gets a new state. */
export type Restatement = {
  /** The published snapshot whose place it takes; undefined where the log forgot about it. */
  readonly old: SnapshotRecord | undefined;
  readonly commitId: CommitId;
  readonly group: Uint8Array;
  readonly header: SnapshotHeader;
  readonly needs: Needs;
};

/** What `executeRepair` is to do. */
export type RepairPlan = {
  readonly repository: Repository;
  readonly log: SalvagedLog;
  readonly survey: Survey;
  readonly findings: readonly Finding[];
  readonly restatements: readonly Restatement[];
  /** The fold of the log, with what lost entries published as far as states tell. */
  readonly recoveredLog: LogState;
  /** Whole states that some lost entry published, and nobody knows which: published again as they are. */
  readonly republished: readonly UnpublishedState[];
  /** Packs that are to be condemned once no snapshot needs them. */
  readonly condemned: readonly PackId[];
  /** Packs that an earlier repair condemned, by the entry that did, and that are whole: what needs them gets them back, the others wait like any unneeded pack. */
  readonly returned: ReadonlyMap<PackId, number>;
  /** Snapshots of which nothing can be had. */
  readonly lostSnapshots: readonly StateId[];
  /** Published states whose objects are lost or damaged: given up once their snapshots are removed. */
  readonly goneStates: readonly StateId[];
  /** Whether a new checkpoint is needed. */
  readonly needsCheckpoint: boolean;
};
