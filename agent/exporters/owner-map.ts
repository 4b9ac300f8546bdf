import { OwnerNames } from "#agent/filesystem/owner-names.ts";
import type { OwnerMap } from "#agent/filesystem/posix-acl.ts";

/** What a restore does about owners, as plain data that threads can be given. */
export type OwnerChoice = {
  readonly how: "names" | "numbers" | "none";
  readonly userNames: ReadonlyMap<string, string>;
  readonly groupNames: ReadonlyMap<string, string>;
};

/** Maps numbers of the snapshot to numbers here: by name where the name is known on both sides, else as they are. */
export function ownerMap(choice: OwnerChoice): OwnerMap {
  if (choice.how !== "names") return { uid: (uid) => uid, gid: (gid) => gid };
  const here = new OwnerNames();
  const uids = new Map<number, number>();
  const gids = new Map<number, number>();
  return {
    uid: (uid) => remembered(uids, uid, () => here.restoredUid(choice.userNames.get(String(uid)), uid)),
    gid: (gid) => remembered(gids, gid, () => here.restoredGid(choice.groupNames.get(String(gid)), gid)),
  };
}

function remembered(known: Map<number, number>, number: number, find: () => number): number {
  const there = known.get(number);
  if (there !== undefined) return there;
  const found = find();
  known.set(number, found);
  return found;
}
