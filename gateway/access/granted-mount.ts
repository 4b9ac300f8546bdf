import type { HoldfastError } from "#shared/errors.ts";
import type { StateId } from "#shared/format/ids.ts";
import type { Snapshot } from "#shared/snapshot/read-snapshot.ts";
import { AbsentView } from "#shared/view/absent-view.ts";
import type { FollowedStore } from "#shared/view/followed-store.ts";
import { SnapshotView } from "#shared/view/snapshot-view.ts";
import { StoreView } from "#shared/view/store-view.ts";
import { summariseSnapshot } from "#shared/view/summarise-snapshot.ts";
import type { SnapshotSummary, View } from "#shared/view/view.ts";
import type { Mount } from "#gateway/mount.ts";
import type { Grant } from "./grant.ts";

/** All snapshots of a store, as a mount. */
export function mountStore(store: FollowedStore, onProblem: (problem: HoldfastError) => void): Mount {
  return {
    kind: "store",
    name: "snapshots",
    view: (grant, chooseLatest) =>
      new StoreView(store, {
        admits: (summary) => admits(grant, summary),
        only: grant.directory,
        chooseLatest,
        onProblem,
      }),
  };
}

/** A snapshot, or the directory `root` of one, as a mount. */
export function mountSnapshot(store: FollowedStore, snapshot: Snapshot, root: string | undefined): Mount {
  const summary = summariseSnapshot(snapshot);
  return {
    kind: "snapshot",
    name: summary.directory,
    view(grant): View {
      if (!admits(grant, summary)) return new AbsentView();
      return new SnapshotView(store, snapshot.id satisfies StateId, { root, only: grant.directory, summary });
    },
  };
}

/** Whether a grant shows a snapshot. */
export function admits(grant: Grant, summary: Pick<SnapshotSummary, "host" | "name" | "tags" | "id">): boolean {
  const { hosts, names, tags, snapshots } = grant;
  return (
    (hosts?.includes(summary.host) ?? true) &&
    (names?.includes(summary.name) ?? true) &&
    (tags?.every((tag) => summary.tags.includes(tag)) ?? true) &&
    (snapshots?.some((prefix) => summary.id.startsWith(prefix)) ?? true)
  );
}
