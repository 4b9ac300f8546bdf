import type { Importer } from "#shared/connectors/importer.ts";
import type { Reporter } from "#shared/operations/progress.ts";
import type { Repository } from "#shared/repository/repository.ts";
import { type Doubts, doubtsAbout, isReadAlike, settleMs } from "./doubts.ts";
import type { ParentSource } from "./find-parent.ts";

/** An earlier snapshot that tells what is unchanged, and what of it is read again all the same. */
export type TrustedParent = { readonly parent: ParentSource; readonly doubts: Doubts };

/** The sources of earlier snapshots that can tell what is unchanged: those that were read as they would be now, with errors that can be read. */
export async function trustedParents(
  options: {
    readonly repository: Repository;
    readonly importers: readonly Importer[];
    readonly user: string;
    readonly settleMs?: number;
    readonly reporter: Reporter;
  },
  parents: readonly (ParentSource | undefined)[],
): Promise<(TrustedParent | undefined)[]> {
  const { repository, importers, user, reporter } = options;
  const reader = await repository.blobReader();
  const trusted: (TrustedParent | undefined)[] = [];
  for (const [index, parent] of parents.entries()) {
    const importer = importers[index];
    trusted.push(undefined);
    if (parent === undefined || importer === undefined) continue;
    const { header } = parent.snapshot;
    if (!isReadAlike(header, { lost: importer.lost, user })) {
      const message =
        "The previous snapshot was made without some attributes that are read now, so everything is read again.";
      reporter.notice({ level: "info", message, path: importer.root });
      continue;
    }
    const doubts = await doubtsAbout(header, reader, options.settleMs ?? settleMs);
    if (doubts === undefined) {
      const message = "Not all that the previous snapshot lacks is known, so everything is read again.";
      reporter.notice({ level: "info", message, path: importer.root });
    } else trusted[index] = { parent, doubts };
  }
  return trusted;
}
