import { decodeErrorList, type SnapshotError } from "#shared/format/error-list.ts";
import { idToBytes } from "#shared/format/ids.ts";
import type { Located } from "./located.ts";

/**
 * What the backup of a snapshot could not read, and what changed while it was read, as far as the view shows it.
 *
 * @throws {HoldfastError} corrupt: the list is damaged
 */
export async function snapshotErrors(located: Located): Promise<SnapshotError[]> {
  const { store, tree } = located;
  const { errorList } = tree.snapshot.header;
  if (errorList === undefined) return [];
  const bytes = await (await store.reader(tree.snapshot.id)).readNode(idToBytes(errorList));
  return decodeErrorList(bytes, "the error list").filter((error) => located.shows(error.path));
}
