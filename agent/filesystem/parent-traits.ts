import { readFileSync } from "node:fs";
import { createEntryStat } from "./entry-stat.ts";
import { libc, workingDirectory } from "./libc.ts";
import { readFlagsOpen } from "./read-flags.ts";
import { statOpenInto } from "./stat-path.ts";

/**
 * What a directory gives to a file created in it, so that a restore changes only what differs. Filled from the first
 * file created there: setgid directories, mounts with their own rule of groups, squashed root and idmapped mounts show
 * in that file and nowhere else.
 */
export type ParentTraits = {
  learned: boolean;
  /** Owner and group of a new file. */
  uid: number;
  gid: number;
  /** Whether new files get an ACL, or modes that the umask does not explain. */
  givesAcl: boolean;
  /** Whether new files get chattr flags. */
  givesFlags: boolean;
  /** Permission bits that new files never get. */
  umask: number;
  /** The finest times that were seen to be kept. */
  keptTimes: "unknown" | "seconds" | "nanoseconds";
};

/** Traits still to be learned: one object for each directory that files are created in. */
export function createParentTraits(): ParentTraits {
  return { learned: false, uid: -1, gid: -1, givesAcl: true, givesFlags: true, umask: 0, keptTimes: "unknown" };
}

const stat = createEntryStat();

/**
 * Fills `traits` from a file that was just created, empty, with `askedMode`.
 *
 * @param fd - the new file
 * @param directoryFd - where it was created; `workingDirectory` leaves the ACLs to be taken care of for every file
 */
export function learnParentTraits(traits: ParentTraits, fd: number, askedMode: number, directoryFd: number): void {
  traits.learned = true;
  if (statOpenInto(fd, stat) !== 0) return;
  traits.uid = stat.uid;
  traits.gid = stat.gid;
  traits.umask = processUmask();
  traits.givesAcl = stat.mode !== (askedMode & ~traits.umask) || hasDefaultAcl(directoryFd);
  try {
    traits.givesFlags = readFlagsOpen(fd, "") !== 0;
  } catch {
    // Unknown: flags are compared for every file then, and what fails there is reported there.
    traits.givesFlags = true;
  }
}

function hasDefaultAcl(directoryFd: number): boolean {
  const c = libc();
  if (c === undefined || directoryFd === workingDirectory) return true;
  const place = c.putPath(`/proc/self/fd/${directoryFd}`);
  if (c.getxattr(place, c.putName("system.posix_acl_default"), c.data, 0) >= 0) return true;
  const errno = c.errno();
  return errno !== 61 && errno !== 95;
}

let umask: number | undefined;

/**
 * The umask of this process, read once. From /proc where there is one: `process.umask()` changes it for a moment, and
 * other threads create files meanwhile.
 */
function processUmask(): number {
  if (umask === undefined) {
    const line = process.platform === "linux" ? /^Umask:\s*([0-7]+)$/m.exec(procStatus()) : null;
    umask = line?.[1] === undefined ? process.umask() : Number.parseInt(line[1], 8);
  }
  return umask;
}

function procStatus(): string {
  try {
    return readFileSync("/proc/self/status", "latin1");
  } catch {
    // No /proc is mounted: the caller asks Node.
    return "";
  }
}
