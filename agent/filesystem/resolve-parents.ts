import { lstatSync, readlinkSync, type Stats } from "node:fs";
import { HoldfastError } from "#shared/errors.ts";
import { displayPath } from "./display-path.ts";
import { errnoOf, filesystemError } from "./filesystem-error.ts";
import { nodePath } from "./node-path.ts";

/** Links that are followed on the way to one path, as many as the kernel follows. */
const linksMax = 40;

/**
 * The path of this host by which `path` is reached without a link on the way: the directories that lead to it are those that the kernel enters, its last name
 * stays as it is. Directories that are not there are taken as named.
 *
 * A link is followed if it belongs to root or to the user who runs this: another user could have put it there to be written elsewhere for.
 *
 * @param path - absolute and binary, without `.` or `..`
 * @throws {HoldfastError} conflict: a link on the way belongs to another user, or leads to nothing; something on the way is no directory
 */
export function resolveParents(path: string): string {
  const names = path.split("/").filter((name) => name !== "");
  const last = names.pop();
  if (last === undefined) return "/";
  const steps: Step[] = names.map((name) => ({ name, link: undefined }));
  let at = "";
  let links = 0;
  for (let step = steps.shift(); step !== undefined; step = steps.shift()) {
    if (step.name === "..") {
      at = at.slice(0, Math.max(0, at.lastIndexOf("/")));
      continue;
    }
    const next = `${at}/${step.name}`;
    const stats = look(next);
    if (stats === undefined) {
      if (step.link !== undefined) throw refused(step.link, "the link leads to a directory that is not there");
      return [next, ...steps.map(({ name }) => name), last].join("/");
    }
    if (stats.isSymbolicLink()) {
      if (++links > linksMax) throw refused(next, "there are too many links on the way");
      if (!isTrusted(stats)) throw refused(next, `the link belongs to another user (uid ${stats.uid})`);
      const target = readlinkSync(nodePath(next), { encoding: "latin1" });
      if (target.startsWith("/")) at = "";
      steps.unshift(...stepsOf(target, next));
    } else if (stats.isDirectory()) at = next;
    else throw refused(next, "it is not a directory");
  }
  return `${at}/${last}`;
}

/** A name on the way; `link` is the link that led to it, if one did. */
type Step = { readonly name: string; readonly link: string | undefined };

function stepsOf(target: string, link: string): Step[] {
  return target
    .split("/")
    .filter((name) => name !== "" && name !== ".")
    .map((name) => ({ name, link }));
}

function look(path: string): Stats | undefined {
  try {
    return lstatSync(nodePath(path));
  } catch (error) {
    if (errnoOf(error).name === "ENOENT") return undefined;
    throw filesystemError("look at", path, error);
  }
}

function isTrusted({ uid }: Stats): boolean {
  return uid === 0 || uid === process.geteuid?.();
}

function refused(path: string, reason: string): HoldfastError {
  const shown = displayPath(path);
  return new HoldfastError("conflict", `Cannot restore below ${shown}: ${reason}`, {
    detail: { path: shown },
    hint: "Nothing was changed. Restore into another directory with --to.",
  });
}
