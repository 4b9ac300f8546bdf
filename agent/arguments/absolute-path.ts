import { lstatSync, readlinkSync, realpathSync } from "node:fs";
import { displayName } from "#agent/render/display-name.ts";
import { HoldfastError } from "#shared/errors.ts";

/**
 * A path as typed, made absolute by the working directory, as the kernel walks it: `..` after a symlink leads to the directory above
 * what the link leads to. Links are kept in the path otherwise; empty parts, `.` and a closing slash are dropped.
 *
 * @throws {HoldfastError} invalid: it is relative, and the working directory has a name that is not UTF-8, for which Node gives another
 * @throws {HoldfastError} absent: it is relative, and the working directory was removed; or `..` follows a link that leads nowhere
 */
export function absolutePath(text: string): string {
  if (text.startsWith("/")) return walked(text);
  const directory = workingDirectory(text);
  const bytes = directory.includes("\ufffd") ? bytesOfWorkingDirectory() : undefined;
  if (bytes !== undefined && !bytes.equals(Buffer.from(directory, "utf8"))) throw notUtf8(text, bytes);
  return walked(`${directory}/${text}`);
}

function walked(text: string): string {
  let at = "";
  for (const part of text.split("/")) {
    if (part === "" || part === ".") continue;
    at = part === ".." ? above(at, text) : `${at}/${part}`;
  }
  return at === "" ? "/" : at;
}

/** The directory above what is at a path; "" is the root. */
function above(path: string, text: string): string {
  const place = path !== "" && isLink(path) ? realPath(path, text) : path;
  return place.slice(0, Math.max(place.lastIndexOf("/"), 0));
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false; // the use of the path tells what is wrong with it
  }
}

function realPath(link: string, text: string): string {
  let bytes: Buffer;
  try {
    bytes = realpathSync.native(link, { encoding: "buffer" });
  } catch (cause) {
    throw new HoldfastError("absent", `Cannot use ${text}: ".." follows ${link}, which is a link that leads nowhere`, {
      cause,
    });
  }
  const path = bytes.toString("utf8");
  if (!Buffer.from(path, "utf8").equals(bytes)) throw notUtf8(text, bytes);
  return path;
}

function notUtf8(text: string, directory: Buffer): HoldfastError {
  const shown = displayName(directory.toString("latin1"));
  return new HoldfastError("invalid", `Cannot use ${text} in ${shown}: the directory's name is not UTF-8`, {
    hint: "Go to a directory above it.",
  });
}

function workingDirectory(text: string): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new HoldfastError("absent", `Cannot use ${text}: the working directory is no longer there`, {
      hint: "Go to another directory, or write paths from the root on.",
      cause,
    });
  }
}

/** Where the system says them. */
function bytesOfWorkingDirectory(): Buffer | undefined {
  try {
    return readlinkSync("/proc/self/cwd", { encoding: "buffer" });
  } catch {
    return undefined;
  }
}
