import type { StateId } from "#shared/format/ids.ts";
import { violation } from "#shared/log/violation.ts";
import { repeated } from "./check-named-packs.ts";
import type { FoldRule } from "./rule.ts";

/** What every list of snapshots in an event keeps (fold-time): it is not empty, names none twice, and all are published. */
export const namedSnapshotsRules: readonly FoldRule<{ readonly snapshots: readonly StateId[] }>[] = [
  {
    name: "snapshots-are-named-once",
    check: (_state, { snapshots }) => {
      if (snapshots.length === 0) return violation("snapshots-are-named-once", "invalid", "it names no snapshot");
      const twice = repeated(snapshots);
      if (twice === undefined) return undefined;
      return violation("snapshots-are-named-once", "invalid", `snapshot ${twice} is named twice`, [twice]);
    },
  },
  {
    name: "snapshots-are-published",
    check: (state, { snapshots }) => {
      const unknown = snapshots.filter((each) => !state.snapshots.has(each));
      if (unknown.length === 0) return undefined;
      return violation("snapshots-are-published", "absent", `snapshot ${unknown[0]} is not in the log`, unknown);
    },
  },
];
