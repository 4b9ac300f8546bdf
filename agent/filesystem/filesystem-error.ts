import { getSystemErrorMap } from "node:util";
import { type ErrorKind, HoldfastError } from "#shared/errors.ts";
import { displayPath } from "./display-path.ts";

/** A system error: its number (positive, as errno has it), its name (`ENOENT`) and what it says in words. */
export type Errno = { readonly number: number; readonly name: string; readonly words: string };

const kinds: Readonly<Record<string, ErrorKind>> = {
  ENOENT: "absent",
  ENOTDIR: "absent",
  ENXIO: "absent",
  EACCES: "denied",
  EPERM: "denied",
  EEXIST: "conflict",
  ENOTEMPTY: "conflict",
  EISDIR: "conflict",
  ELOOP: "conflict",
  EXDEV: "conflict",
  EBUSY: "conflict",
  ETXTBSY: "conflict",
  EINVAL: "invalid",
  ENAMETOOLONG: "invalid",
  EBADF: "internal",
  EFAULT: "internal",
  ENOSYS: "incompatible",
  EOPNOTSUPP: "incompatible",
  ENOTSUP: "incompatible",
};

const map = getSystemErrorMap();

/** Numbers of Linux that libuv's table lacks. */
const linuxOnly: ReadonlyMap<number, readonly [string, string]> = new Map([
  [61, ["ENODATA", "no data available"]],
  [25, ["ENOTTY", "inappropriate ioctl for device"]],
  [122, ["EDQUOT", "disk quota exceeded"]],
  [40, ["ELOOP", "too many symbolic links, or a symbolic link where none may be"]],
  [116, ["ESTALE", "stale file handle"]],
]);

/** What an errno of a libc call, or the error that Node's fs threw, says. */
export function errnoOf(error: unknown): Errno {
  const number = errnoNumber(error);
  const row = linuxOnly.get(number) ?? map.get(-number);
  if (row !== undefined) return { number, name: row[0], words: row[1] };
  return { number, name: `errno ${number}`, words: number === 0 ? String(error) : `system error ${number}` };
}

function errnoNumber(error: unknown): number {
  if (typeof error === "number") return error;
  if (typeof error === "object" && error !== null && "errno" in error && typeof error.errno === "number") {
    return Math.abs(error.errno);
  }
  return 0;
}

/**
 * The HoldfastError for a call on the host's filesystem that failed. `detail.errno` has the name of the system's error,
 * `detail.path` the path.
 *
 * @param action - what was tried, to follow "Cannot": `open`, `list`
 * @param path - the binary path concerned
 * @param cause - the errno, or what Node's fs threw; a HoldfastError is returned as it is
 */
export function filesystemError(action: string, path: string, cause: unknown): HoldfastError {
  if (cause instanceof HoldfastError) return cause;
  const errno = errnoOf(cause);
  const shown = displayPath(path);
  return new HoldfastError(kinds[errno.name] ?? "unavailable", `Cannot ${action} ${shown}: ${errno.words}`, {
    detail: { path: shown, errno: errno.name },
    ...(typeof cause === "number" ? {} : { cause }),
  });
}
