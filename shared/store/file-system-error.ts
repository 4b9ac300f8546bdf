import { HoldfastError } from "#shared/errors.ts";
import type { ErrorKind } from "#shared/errors.ts";

/** `lasting`: waiting some seconds does not help. `brief`: only some seconds can help, for it concerns this machine or one file. */
type Meaning = {
  readonly kind: ErrorKind;
  readonly cause: string;
  readonly hint?: string;
  readonly lasting?: true;
  readonly brief?: true;
};

const freeSpace =
  "Free some space or raise the quota. Where the disk holds only the store, run `holdfast rm` and then `holdfast maintenance` (with `--set-grace 0s`, twice, it frees space at once): both work on a full disk.";
const tryAgain = "Wait a moment and run the command again.";

const meanings: Readonly<Record<string, Meaning>> = {
  ENOENT: { kind: "absent", cause: "there is no such file or directory" },
  ENOTDIR: { kind: "absent", cause: "a part of its path is not a directory" },
  EEXIST: { kind: "conflict", cause: "it is already there" },
  ENOSPC: { kind: "unavailable", cause: "the disk is full", hint: freeSpace, lasting: true },
  EDQUOT: { kind: "unavailable", cause: "the disk quota is used up", hint: freeSpace, lasting: true },
  EFBIG: {
    kind: "unavailable",
    cause: "the file system or a limit does not allow files so large",
    hint: "Raise the limit of file sizes (ulimit -f), or keep the store on another file system.",
    lasting: true,
  },
  EIO: {
    kind: "unavailable",
    cause: "the disk reports an input/output error",
    hint: "Look at the kernel's log and the health of the disk before trying again.",
    brief: true,
  },
  ENXIO: { kind: "unavailable", cause: "the device is gone", hint: "Attach and mount the disk again.", brief: true },
  ENODEV: { kind: "unavailable", cause: "the device is gone", hint: "Attach and mount the disk again.", brief: true },
  ESTALE: { kind: "unavailable", cause: "the network file system lost it", hint: "Mount the file system again." },
  ETIMEDOUT: { kind: "unavailable", cause: "the network file system does not answer", hint: tryAgain },
  ENOTCONN: { kind: "unavailable", cause: "the file system is not connected", hint: "Mount the file system again." },
  EHOSTDOWN: { kind: "unavailable", cause: "the file server is down", hint: tryAgain },
  EBUSY: { kind: "unavailable", cause: "it is busy", hint: tryAgain, brief: true },
  EAGAIN: { kind: "unavailable", cause: "it is busy", hint: tryAgain, brief: true },
  ENOMEM: { kind: "unavailable", cause: "the system is out of memory", hint: tryAgain, brief: true },
  EMFILE: {
    kind: "unavailable",
    cause: "too many files are open",
    hint: "Raise the limit of open files (ulimit -n).",
    brief: true,
  },
  ENFILE: {
    kind: "unavailable",
    cause: "too many files are open",
    hint: "Raise the system's limit of open files.",
    brief: true,
  },
  EACCES: {
    kind: "denied",
    cause: "permission denied",
    hint: "Check the owner and mode of the store's directory and of what is in it.",
  },
  EPERM: {
    kind: "denied",
    cause: "operation not permitted",
    hint: "Check the owner and mode of the store's directory and of what is in it.",
  },
  EROFS: {
    kind: "unavailable",
    cause: "the file system is read-only",
    hint: "Mount the file system for writing.",
    lasting: true,
  },
  ENAMETOOLONG: { kind: "invalid", cause: "its path is too long for the file system" },
  ELOOP: { kind: "invalid", cause: "its path goes through too many symbolic links" },
};

/** The `code` of an error of Node's file system API, like `ENOENT`, or undefined for other values. */
export function fileSystemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/**
 * Turns an error of the file system into a HoldfastError; HoldfastErrors pass unchanged.
 *
 * @param action - what was tried, as in `Cannot <action>: <cause>`
 */
export function fileSystemError(error: unknown, action: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const code = fileSystemCode(error);
  const meaning = code === undefined ? undefined : meanings[code];
  if (code === undefined || meaning === undefined) {
    const cause = error instanceof Error ? error.message : String(error);
    return new HoldfastError("internal", `Cannot ${action}: ${cause}`, { cause: error });
  }
  const { kind, cause, hint, lasting, brief } = meaning;
  return new HoldfastError(kind, `Cannot ${action}: ${cause}`, {
    detail: { code, ...(lasting === true ? { lasting } : {}), ...(brief === true ? { brief } : {}) },
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}
