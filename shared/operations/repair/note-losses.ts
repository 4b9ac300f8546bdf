import { backupErrorsOf, lostKind, lostPathsOf, withLosses } from "#shared/format/content-losses.ts";
import { decodeErrorList, encodeErrorList, type SnapshotError } from "#shared/format/error-list.ts";
import { idToBytes } from "#shared/format/ids.ts";
import type { SnapshotHeader } from "#shared/format/snapshot.ts";
import { isHoldfastError } from "#shared/errors.ts";
import type { BlobReader } from "#shared/repository/blob-reader.ts";
import type { BlobStorer } from "./blob-storer.ts";
import type { Needs } from "./need-walk.ts";

/** Whether a header says how much of the snapshot is lost now. */
export function isLossNoted(header: SnapshotHeader, needs: Needs): boolean {
  return lostPathsOf(header) === contentLosses(needs) && !needs.isErrorListLost;
}

/**
 * The header of a snapshot with what a repair found lost: how many paths, and a list of errors that names the first ten thousand beside what the backup could
 * not read. Where an earlier repair noted losses and there are none any more, they are taken out.
 *
 * @returns also the segments that were stored for it
 */
export async function noteLosses(
  { header, needs }: { readonly header: SnapshotHeader; readonly needs: Needs },
  reader: BlobReader,
  storer: BlobStorer,
): Promise<{ readonly header: SnapshotHeader; readonly segments: readonly number[] }> {
  if (isLossNoted(header, needs) && needs.lostPaths.length === 0) return { header, segments: [] };
  const errors = [
    ...(await backupErrors(header, reader)),
    ...needs.lostPaths.map((path) => ({
      path,
      kind: lostKind,
      message: "A repair did not find its content any more.",
    })),
  ];
  const lostPaths = contentLosses(needs);
  if (errors.length === 0) return { header: withLosses(header, { lostPaths, errorList: undefined }), segments: [] };
  const list = await storer.addNode(encodeErrorList(errors));
  return { header: withLosses(header, { lostPaths, errorList: list.id }), segments: [list.segment] };
}

/** What the backup itself could not read; where that list is lost, one line that says so. */
async function backupErrors(header: SnapshotHeader, reader: BlobReader): Promise<readonly SnapshotError[]> {
  if (header.errorList === undefined) return [];
  try {
    const list = decodeErrorList(await reader.readNode(idToBytes(header.errorList)), "the error list of a snapshot");
    return list.filter((each) => each.kind !== lostKind);
  } catch (error) {
    if (!isHoldfastError(error, "corrupt", "absent", "incompatible")) throw error;
    const count = backupErrorsOf(header);
    if (count === 0) return [];
    return [
      { path: "/", kind: "unknown", message: `The list of ${count} entries that the backup could not read is lost.` },
    ];
  }
}

function contentLosses({ lostCount, isErrorListLost }: Needs): number {
  return lostCount - (isErrorListLost ? 1 : 0);
}
