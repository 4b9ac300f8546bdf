import { libcMissing } from "./libc.ts";

/** Whether everything a filesystem keeps can be read and restored here. */
export type Fidelity = {
  readonly whole: boolean;
  /** Why not, in words; undefined when `whole`. */
  readonly reason: string | undefined;
  /** What is lost, a sentence each; empty when `whole`. */
  readonly lost: readonly string[];
  /** What to do about it; undefined when `whole`. */
  readonly hint: string | undefined;
};

/** What is lost on this machine, in words for its user. Privileges are another matter: those are reported per entry. */
export function fidelity(): Fidelity {
  const reason = libcMissing();
  if (reason === undefined) return { whole: true, reason: undefined, lost: [], hint: undefined };
  return {
    whole: false,
    reason: `The C library is not reached: ${reason}.`,
    lost: [
      "Extended attributes, ACLs and file capabilities are neither backed up nor restored.",
      "The flags of chattr are neither backed up nor restored.",
      "Holes of sparse files are backed up as zeros.",
      "FIFOs, sockets and device nodes are backed up, and not restored.",
      "Times are restored to about a microsecond, not to the nanosecond.",
      "The time of access is set to the time of modification on what is restored.",
      "Names of owners come from /etc/passwd and /etc/group only.",
      ...(process.platform === "linux"
        ? []
        : [
            "Paths longer than the system's limit cannot be read, and a symlink planted during a restore may be followed.",
          ]),
    ],
    hint:
      process.platform === "linux" ? "Install the optional package koffi, with its install script allowed." : undefined,
  };
}
