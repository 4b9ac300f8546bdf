import type { Repository } from "#shared/repository/repository.ts";
import type { Reporter } from "./progress.ts";

/**
 * Warns, in one notice, that condemned packs were read through this repository: they may be swept when their grace period is over.
 *
 * @returns how many packs
 */
export function warnOfCondemned(repository: Pick<Repository, "fetcher">, reporter: Reporter): number {
  const { condemnedPacks } = repository.fetcher;
  const { size } = condemnedPacks;
  if (size === 0) return 0;
  const [first] = condemnedPacks;
  const packs = size === 1 ? `pack ${first}, which is` : `pack ${first} and ${size - 1} more, which are`;
  reporter.notice({
    level: "warning",
    message: `Read from ${packs} condemned. Run \`holdfast maintenance\`, which revives what a snapshot needs, before the grace period ends.`,
  });
  return size;
}
