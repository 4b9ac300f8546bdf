import { createHash } from "node:crypto";
import type { SnapshotSummary } from "./view.ts";

/** The name by which the newest snapshot of all is found as well. */
export const latestName = "latest";
/** Characters that host and name may add to an alias, so that it fits an S3 bucket. */
const slugMax = 46;
const hashDigits = 8;

/** Whether a name at the top of a store stands for the newest snapshot of something. No snapshot has such a name. */
export function isLatestAlias(name: string): boolean {
  return name === latestName || name.startsWith(`${latestName}-`);
}

/**
 * The aliases of a store: `latest` for the newest snapshot, `latest-HOST` for the newest of a host, `latest-HOST-NAME` for the newest of a
 * host under a name that is not the usual one. Of a-z, 0-9 and "-", at most 63 characters.
 *
 * Two hosts whose aliases would be the same have neither: each then has one that ends in 8 digits of its hash, so that no alias ever
 * moves from one host to another.
 *
 * @param summaries - the newest first
 * @param usualName - the name of a snapshot that was given none
 */
export function latestAliases(
  summaries: readonly SnapshotSummary[],
  usualName = "default",
): ReadonlyMap<string, SnapshotSummary> {
  const newest = new Map<string, { readonly words: readonly string[]; readonly summary: SnapshotSummary }>();
  for (const summary of summaries) {
    const { host, name } = summary;
    for (const words of name === usualName || name === "" ? [[host]] : [[host], [host, name]]) {
      const key = JSON.stringify(words);
      if (!newest.has(key)) newest.set(key, { words, summary });
    }
  }
  const bySlug = new Map<string, { readonly key: string; readonly summary: SnapshotSummary }[]>();
  for (const [key, { words, summary }] of newest) {
    const slug = words.map(slugOf).join("-");
    bySlug.set(slug, [...(bySlug.get(slug) ?? []), { key, summary }]);
  }
  const aliases = new Map<string, SnapshotSummary>();
  const [first] = summaries;
  if (first !== undefined) aliases.set(latestName, first);
  for (const [slug, found] of bySlug) {
    for (const { key, summary } of found) {
      const isPlain = found.length === 1 && slug !== "" && slug.length <= slugMax;
      const hash = createHash("sha256").update(key).digest("hex").slice(0, hashDigits);
      const cut = slug.slice(0, slugMax).replaceAll(/^-+|-+$/g, "");
      aliases.set([latestName, ...(isPlain ? [slug] : [...(cut === "" ? [] : [cut]), hash])].join("-"), summary);
    }
  }
  return aliases;
}

function slugOf(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
}
