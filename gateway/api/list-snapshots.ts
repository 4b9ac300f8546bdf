import { calendarTimeMs } from "#shared/view/calendar-time.ts";
import { answeringRoute } from "./api-route.ts";
import { type ApiSnapshot, apiSnapshot, apiSnapshotSchema, snapshotTops } from "./api-snapshot.ts";
import { integerField, textField, wordField } from "./query-field.ts";
import { integer, list, object, text } from "./schema.ts";

const choiceSchema = object({ value: text("A value that occurs."), count: integer("In so many snapshots.") });
/** Values that are told of each kind. */
const choicesMax = 200;

/** What it answers. */
export const listSnapshotsAnswer = object({
  total: integer("How many fit the filter."),
  all: integer("How many there are."),
  snapshots: list(apiSnapshotSchema, "Those from `offset` on."),
  hosts: list(choiceSchema, "Hosts, the most frequent first."),
  names: list(choiceSchema, "Names, likewise."),
  tags: list(choiceSchema, "Tags, likewise."),
});

/** GET api/snapshots */
export const listSnapshots = answeringRoute({
  name: "snapshots",
  summary: "The snapshots that are shown, filtered and sorted.",
  description: "Hosts, names and tags are counted over all that are shown, whatever the filter.",
  query: {
    q: textField("Words that must all occur in time (UTC), host, user, name, tags, paths or id."),
    host: textField("Only of this host."),
    name: textField("Only of this name."),
    tag: textField("Only with this tag."),
    from: integerField("Only from this time on, milliseconds since 1970 UTC.", { min: 0, max: 9e15, usual: 0 }),
    to: integerField("Only before this time.", { min: 0, max: 9e15, usual: 9e15 }),
    sort: wordField(["time", "host", "name", "size", "entries", "errors"], "The order."),
    order: wordField(["desc", "asc"], "Its direction."),
    offset: integerField("So many are left out.", { min: 0, max: 1e9, usual: 0 }),
    limit: integerField("So many at most.", { min: 1, max: 1000, usual: 200 }),
  },
  answer: listSnapshotsAnswer,
  async run({ q, host, name, tag, from, to, sort, order, offset, limit }, { view, mount }) {
    const words = q
      .toLowerCase()
      .split(/\s+/)
      .filter((each) => each !== "");
    const hosts = new Counts();
    const names = new Counts();
    const tags = new Counts();
    const found: ApiSnapshot[] = [];
    let all = 0;
    for await (const top of snapshotTops(view, mount)) {
      const each = apiSnapshot(top.path, top.snapshot);
      all++;
      hosts.add(each.host);
      names.add(each.name);
      for (const value of each.tags) tags.add(value);
      if (host !== "" && each.host !== host) continue;
      if (name !== "" && each.name !== name) continue;
      if (tag !== "" && !each.tags.includes(tag)) continue;
      if (each.timeMs < from || each.timeMs >= to) continue;
      if (words.length > 0 && !words.every((one) => searchable(each).includes(one))) continue;
      found.push(each);
    }
    const compare = orders[sort];
    found.sort((a, b) => (order === "desc" ? compare(b, a) : compare(a, b)) || b.timeMs - a.timeMs);
    return {
      total: found.length,
      all,
      snapshots: found.slice(offset, offset + limit),
      hosts: hosts.list(),
      names: names.list(),
      tags: tags.list(),
    };
  },
});

const orders: {
  readonly [Sort in "time" | "host" | "name" | "size" | "entries" | "errors"]: (
    a: ApiSnapshot,
    b: ApiSnapshot,
  ) => number;
} = {
  time: (a, b) => a.timeMs - b.timeMs,
  host: (a, b) => a.host.localeCompare(b.host, "en"),
  name: (a, b) => a.name.localeCompare(b.name, "en"),
  size: (a, b) => a.totalBytes - b.totalBytes,
  entries: (a, b) => a.entries - b.entries,
  errors: (a, b) => a.errorCount - b.errorCount,
};

function searchable(snapshot: ApiSnapshot): string {
  const { timeMs, host, user, name, tags, roots, id } = snapshot;
  return [calendarTimeMs(timeMs), host, user, name, ...tags, ...roots, id].join("\n").toLowerCase();
}

/** How often values occur. */
class Counts {
  readonly #counts = new Map<string, number>();

  add(value: string): void {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + 1);
  }

  list(): { value: string; count: number }[] {
    return [...this.#counts]
      .map(([value, count]) => ({ value, count }))
      .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
      .slice(0, choicesMax);
  }
}
