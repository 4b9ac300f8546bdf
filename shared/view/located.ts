import type { SnapshotRecord } from "#shared/log/log-state.ts";
import type { PlacedEntry, SnapshotPlace, SnapshotTree } from "#shared/snapshot/snapshot-tree.ts";
import type { FollowedStore } from "./followed-store.ts";
import type { SnapshotSummary, ViewEntry } from "./view.ts";

/** Where in a snapshot a path of a view leads: for questions that go beyond `View`. Shows nothing that the view does not show. */
export type Located = {
  readonly store: FollowedStore;
  readonly record: SnapshotRecord;
  readonly tree: SnapshotTree;
  readonly place: SnapshotPlace;
  readonly summary: SnapshotSummary;
  /** Whether the view shows all that lies below the place. */
  readonly showsAll: boolean;
  /** Whether the view shows something of the snapshot, by its path there. */
  shows(real: string): boolean;
  /** Something of the snapshot as the view shows it. */
  shown(place: PlacedEntry): ViewEntry;
};
