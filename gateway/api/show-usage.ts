import { isHoldfastError } from "#shared/errors.ts";
import type { SnapshotSummary, View, ViewEntry } from "#shared/view/view.ts";
import { answeringRoute } from "./api-route.ts";
import { apiSnapshot, apiSnapshotSchema, snapshotTops } from "./api-snapshot.ts";
import { integerField } from "./query-field.ts";
import { flag, integer, list, nullable, object } from "./schema.ts";

/** What it answers. */
export const showUsageAnswer = object({
  isComplete: flag("Whether those are all."),
  points: list(
    object({
      snapshot: apiSnapshotSchema,
      addedBytes: nullable(
        integer(
          "Bytes of the store that it needs and no older snapshot does, as they are now; null where its state cannot be read.",
        ),
      ),
    }),
    "One a snapshot.",
  ),
});

/** GET api/usage */
export const showUsage = answeringRoute({
  name: "usage",
  summary: "How the store grew.",
  description:
    "Of each snapshot that is shown, oldest first, how much it holds and how much it takes in the store after deduplication, compression and encryption, beside what older ones take. Over all snapshots of a store that sums up to what they take together, also after removals, repairs and maintenance. What nothing needs any more and is not deleted yet does not count.",
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
    for (const top of tops) {
      points.push({ snapshot: apiSnapshot(top.path, top.snapshot), addedBytes: await shareOf(view, top.path) });
    }
    return { isComplete, points: points.toReversed() };
  },
});

async function shareOf(view: View, path: string): Promise<number | null> {
  try {
    const { store, record } = await view.locate(path);
    return (await store.storedShares()).get(record.stateId) ?? null;
  } catch (error) {
    if (!isHoldfastError(error, "absent", "corrupt", "incompatible")) throw error;
    return null;
  }
}
