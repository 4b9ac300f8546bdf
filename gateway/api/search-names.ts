import { isHoldfastError } from "#shared/errors.ts";
import { NameSearch, searchBelow } from "#shared/view/search-below.ts";
import { encodePath } from "#gateway/paths/encode-path.ts";
import { apiEntry, apiEntrySchema } from "./api-entry.ts";
import { streamingRoute } from "./api-route.ts";
import { apiSnapshot, apiSnapshotSchema, joinPath, snapshotTops, splitPath } from "./api-snapshot.ts";
import { nameMatcher } from "./name-matcher.ts";
import { integerField, pathField, textField, wordField } from "./query-field.ts";
import { flag, integer, lineOf, object } from "./schema.ts";

/** Entries after which is told how far it is. */
const progressEntries = 20_000;
/** Milliseconds after which a search ends. */
const searchMs = 120_000;

const progress = {
  entries: integer("Entries looked at."),
  snapshots: integer("Snapshots looked into."),
};

/** What it answers, a line each. */
export const searchNamesAnswer = lineOf({
  match: object({ entry: apiEntrySchema, snapshot: apiSnapshotSchema }),
  progress: object(progress),
  end: object({ ...progress, isComplete: flag("Whether all was searched.") }),
});

/** GET api/search */
export const searchNames = streamingRoute({
  name: "search",
  summary: "Paths whose last part is what was typed.",
  description:
    "In one directory or in the same directory of all snapshots, the newest first; what an older one shares with a newer one is not told again. Ends after `limit` matches or two minutes.",
  query: {
    path: pathField("The directory to search, in a snapshot; / for all of all snapshots."),
    q: textField("A part of a name; with * or ?, the pattern of a whole one. Case does not count."),
    snapshots: wordField(["one", "all"], "In this snapshot, or in all of them."),
    limit: integerField("Matches at most.", { min: 1, max: 10_000, usual: 1000 }),
  },
  answer: searchNamesAnswer,
  async run({ path, q, snapshots, limit }, { view, mount, clock }, push, signal) {
    const began = clock.nowMs();
    const matches = nameMatcher(q);
    const search = new NameSearch((name) => matches(name));
    const isTop = mount.kind === "store" && path === "/";
    const { top, inside } = isTop ? { top: path, inside: "" } : splitPath(mount, path);
    const all = snapshots === "all" || isTop;
    /** Matches as they were told, each without its snapshot: those that are the same in an older one are left out. */
    const states = new Set<string>();
    let found = 0;
    let lastTold = 0;
    let searched = 0;
    const end = (isComplete: boolean): Promise<void> =>
      push({ end: { entries: search.lookedAt, snapshots: searched, isComplete } });
    if (q === "") return end(true);
    search.onLooked = () => {
      signal.throwIfAborted();
      if (search.lookedAt - lastTold < progressEntries) return;
      lastTold = search.lookedAt;
      push({ progress: { entries: lastTold, snapshots: searched } }).catch(() => undefined); // nobody takes it any more: met above
      if (clock.nowMs() - began > searchMs) throw new TimeIsOver();
    };
    try {
      for await (const { path: where, snapshot } of all ? snapshotTops(view, mount) : one()) {
        const place = await placeOf(joinPath(where, inside));
        if (place !== undefined) {
          for await (const entry of searchBelow(place, search)) {
            const told = apiEntry(entry);
            const state = JSON.stringify({ ...told, path: told.path.slice(encodePath(where).length) });
            if (states.has(state)) continue;
            states.add(state);
            await push({ match: { entry: told, snapshot: apiSnapshot(where, snapshot) } });
            if (++found >= limit) return await end(false);
          }
        }
        searched++;
      }
      return await end(true);
    } catch (error) {
      if (!(error instanceof TimeIsOver)) throw error;
      return end(false);
    }

    /** The snapshot that `path` is in. */
    async function* one() {
      yield { path: top, snapshot: (await view.locate(path)).summary };
    }

    async function placeOf(where: string) {
      try {
        return await view.locate(where);
      } catch (error) {
        if (!isHoldfastError(error, "absent") || !all) throw error;
        return undefined;
      }
    }
  },
});

/** Ends a search from inside. */
class TimeIsOver extends Error {}
