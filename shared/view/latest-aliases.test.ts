import { expect, it } from "vitest";
import { isLatestAlias, latestAliases } from "./latest-aliases.ts";
import type { SnapshotSummary } from "./view.ts";

const summary = (host: string, name: string, id: string): SnapshotSummary => ({ host, name, id }) as SnapshotSummary;
const shown = (...summaries: SnapshotSummary[]): Record<string, string> =>
  Object.fromEntries([...latestAliases(summaries)].map(([alias, { id }]) => [alias, id]));

it("`latest` is the newest, and each host and each name of it has its own", () => {
  expect(
    shown(
      summary("db", "default", "5"),
      summary("web1", "etc", "4"),
      summary("web1", "default", "3"),
      summary("db", "default", "2"),
    ),
  ).toEqual({ latest: "5", "latest-db": "5", "latest-web1": "4", "latest-web1-etc": "4" });
  expect(shown()).toEqual({});
});

it("an alias that two would have belongs to neither", () => {
  const both = shown(summary("web.1", "default", "2"), summary("web-1", "default", "1"));
  expect(Object.keys(both)).toEqual([
    "latest",
    expect.stringMatching(/^latest-web-1-[0-9a-f]{8}$/),
    expect.stringMatching(/^latest-web-1-[0-9a-f]{8}$/),
  ]);
  const [, left, right] = Object.values(both);
  expect([left, right]).toEqual(["2", "1"]);
  // A host and a name, and a host that is called like both.
  expect(shown(summary("a", "b", "2"), summary("a-b", "default", "1"))).not.toHaveProperty("latest-a-b");
});

it.each(["x".repeat(300), "Ünïcode", "日本", "", "-", "a".repeat(46)])(
  "every alias can name a bucket: host %j",
  (host) => {
    for (const alias of Object.keys(shown(summary(host, "n".repeat(100), "1")))) {
      expect(alias).toMatch(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/);
      expect(isLatestAlias(alias)).toBe(true);
    }
  },
);
