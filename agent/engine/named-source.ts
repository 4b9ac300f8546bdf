import { displayPath } from "#agent/filesystem/display-path.ts";
import type { EntryType } from "#agent/filesystem/entry-stat.ts";
import { readLink } from "#agent/filesystem/read-link.ts";
import { pathAbove, pathInRealDirectory, realPath } from "#agent/filesystem/real-path.ts";
import { statPath } from "#agent/filesystem/stat-path.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { Notice } from "#shared/operations/progress.ts";
import { isBelow } from "#shared/tree/read-tree.ts";

/** A place that is backed up. Paths are absolute, as binary strings. */
export type Source = {
  /** The path by which the snapshot shows it. */
  readonly root: string;
  /** Where it is read. */
  readonly readFrom: string;
};

/** What a PATH of the command line comes to. */
export type NamedSources = { readonly sources: readonly Source[]; readonly notices: readonly Notice[] };

/** Symlinks in a row that are followed, as many as Linux does. */
const linksMax = 40;

const streamHint =
  "Write `COMMAND | holdfast backup --stdin --stdin-filename PATH`, or `holdfast backup --from-command PATH -- COMMAND`.";

/** Names of open files of a process. What they lead to is not a file by that name, and may be gone in a process started later. */
const openFileName = /^\/dev\/(?:stdin|stdout|stderr|fd\/\d+)$|^\/proc\/[^/]+(?:\/task\/[^/]+)?\/fd\/\d+$/;

/**
 * The sources that a PATH stands for.
 *
 * A symlink stands for itself, for each link that it leads to, and for what the last one leads to, under its own name: a restore then
 * puts all of it back. With a slash behind it, it stands for what it leads to, under the name of the link.
 *
 * @param path - absolute, as a binary string; with a closing slash a symlink is followed
 * @throws {HoldfastError} invalid: a pipe, a socket, a device, or a name of an open file of a process; absent or denied: it cannot be looked at
 */
export function sourcesOfPath(path: string): NamedSources {
  const root = path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
  if (openFileName.test(root) && !isDirectory(root)) throw notAFile(root);
  const { type } = statPath(root);
  if (root !== path) return { sources: [followed(root, type)], notices: [] };
  if (type === "symlink") return linkAndTarget(root);
  requireContent(root, root, type);
  return { sources: [plain(root)], notices: [] };
}

/** A source that is read where it is. */
export function plain(root: string): Source {
  return { root, readFrom: root };
}

function followed(root: string, type: EntryType): Source {
  if (type === "directory") return plain(root);
  if (type !== "symlink" || !isDirectory(root)) {
    throw new HoldfastError("invalid", `Cannot back up ${displayPath(root)}/: it is not a directory`, {
      hint: "Leave the slash at its end out.",
    });
  }
  // What a link below /proc leads to has no path that can be relied on.
  return { root, readFrom: isInProc(root) ? `${root}/.` : realPath(root) };
}

function linkAndTarget(link: string): NamedSources {
  if (isInProc(link)) {
    throw new HoldfastError("invalid", `Cannot back up ${displayPath(link)}: it is a link of /proc`, {
      hint: isDirectory(link)
        ? `Write ${displayPath(link)}/ to back up the directory that it leads to.`
        : "Name the file that it leads to.",
    });
  }
  const sources = [plain(link)];
  let at = link;
  try {
    for (let links = 1; links <= linksMax; links++) {
      const target = readLink(at);
      const next = target.startsWith("/") ? target : `${pathAbove(at)}/${target}`;
      at = pathInRealDirectory(next);
      const { type } = statPath(at);
      if (openFileName.test(at)) throw notAFile(link);
      if (isBelow(at, "/proc")) return onlyLink(link, "it leads into /proc");
      if (type !== "symlink") {
        requireContent(link, at, type);
        const message = `This is a link: it is stored, and so is what it leads to, as ${displayPath(at)}.`;
        return { sources: [...sources, plain(at)], notices: [{ level: "info", message, path: link }] };
      }
      sources.push(plain(at));
    }
  } catch (error) {
    if (!isHoldfastError(error) || error.kind === "invalid") throw error;
    return onlyLink(link, error.message);
  }
  return onlyLink(link, "it leads in a circle");
}

function onlyLink(link: string, why: string): NamedSources {
  const message = `Only the link itself was stored, not what it leads to: ${why}`;
  return { sources: [plain(link)], notices: [{ level: "warning", message, path: link }] };
}

/** @throws {HoldfastError} invalid: what is at `place` has no content that a snapshot could hold */
function requireContent(named: string, place: string, type: EntryType): void {
  if (type === "file" || type === "directory" || type === "symlink") return;
  if (type === "fifo") throw notAFile(named, "it is a pipe, and nothing that comes through it would be stored");
  const shown = displayPath(named);
  if (type === "socket")
    throw new HoldfastError("invalid", `Cannot back up ${shown}: it is a socket, which has no content`);
  throw new HoldfastError(
    "invalid",
    `Cannot back up ${shown}: it is a device, and nothing that can be read from it would be stored`,
    { hint: `Write \`holdfast backup --stdin --stdin-filename PATH < ${displayPath(place)}\` to store what it holds.` },
  );
}

function notAFile(path: string, why = "it stands for an open file or pipe of a process"): HoldfastError {
  return new HoldfastError("invalid", `Cannot back up ${displayPath(path)}: ${why}`, { hint: streamHint });
}

function isInProc(path: string): boolean {
  try {
    const above = realPath(pathAbove(path));
    return above === "/proc" || isBelow(above, "/proc");
  } catch {
    return false;
  }
}

/** Whether a path leads to a directory, all symlinks followed. */
function isDirectory(path: string): boolean {
  try {
    return statPath(`${path}/.`).type === "directory";
  } catch {
    return false;
  }
}
