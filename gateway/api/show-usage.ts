import { isHoldfastError } from "#shared/errors.ts";
import type { SnapshotSummary, View, ViewEntry } from "#shared/view/view.ts";
import { answeringRoute } from "./api-route.ts";
import { apiSnapshot, apiSnapshotSchema, snapshotTops } from "./api-snapshot.ts";
import { integerField } from "./query-field.ts";
import { flag, integer, list, nullable, object } from "./schema.ts";

/** Snapshots that are asked at once how much they added. */
const inFlight = 16;

/** What it answers. */
export const showUsageAnswer = object({
  isComplete: flag("Whether those are all."),
  points: list(
    object({
      snapshot: apiSnapshotSchema,
      addedBytes: nullable(integer("Bytes that its backup stored; null where that cannot be read.")),
    }),
    "One a snapshot.",
  ),
});

/** GET api/usage */
export const showUsage = answeringRoute({
  name: "usage",
  summary: "How the store grew.",
  description:
    "Of each snapshot that is shown, oldest first, how much it holds and how much its backup added to the store after deduplication, compression and encryption. What was added by backups that are removed or not shown does not count; maintenance may have made it less since.",
  query: { limit: integerField("The newest so many.", { min: 1, max: 20_000, usual: 2000 }) },
  answer: showUsageAnswer,
  async run({ limit }, { view, mount }) {
    const tops: (ViewEntry & { readonly snapshot: SnapshotSummary })[] = [];
    let isComplete = true;
    for await (const top of snapshotTops(view, mount)) {
      isComplete = tops.length < limit;
      if (!isComplete) break;
      tops.push(top);
    }
    const points = [];
    for (let at = 0; at < tops.length; at += inFlight) {
      const some = tops.slice(at, at + inFlight);
      const added = await Promise.all(some.map((top) => addedBytes(view, top.path)));
      for (const [index, top] of some.entries()) {
        points.push({ snapshot: apiSnapshot(top.path, top.snapshot), addedBytes: added[index] ?? null });
      }
    }
    return { isComplete, points: points.toReversed() };
  },
});

async function addedBytes(view: View, path: string): Promise<number | null> {
  try {
    const { store, record } = await view.locate(path);
    return await store.addedBytes(record);
  } catch (error) {
    if (!isHoldfastError(error, "absent", "corrupt", "incompatible")) throw error;
    return null;
  }
}
