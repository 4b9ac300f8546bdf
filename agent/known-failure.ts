import { HoldfastError, isHoldfastError } from "#shared/errors.ts";

/** Causes of causes that are looked at. */
const depthMax = 8;

/** What the system may run short of; how that shows in the code or the message of an error; and what can be done. */
const shortages = [
  {
    sign: /\bEMFILE\b|: too many open files\.?$/,
    what: "too many files are open",
    hint: "Raise the limit on open files (`ulimit -n`).",
  },
  {
    sign: /\bENFILE\b/,
    what: "too many files are open on this machine",
    hint: "End other programs, or raise the limit on open files of the machine (`sysctl fs.file-max`).",
  },
  {
    sign: /^(Worker initialization failure: )?EAGAIN$|^spawn \S+ EAGAIN$/,
    what: "no more threads or processes may be started",
    hint: "Raise the limit on processes (`ulimit -u`, or that of the service or container), or use --concurrency 1.",
  },
  {
    sign: /\bENOMEM\b|^ERR_WORKER_OUT_OF_MEMORY$|^ERR_MEMORY_ALLOCATION_FAILED$|^Array buffer allocation failed$/,
    what: "there is not enough memory",
    hint: "Free some memory, or raise the limit on it (`ulimit -v`, or that of the service or container).",
  },
  {
    sign: /^ERR_WORKER_INIT_FAILED$/,
    what: "a thread cannot be started",
    hint: "Raise the limits on processes, open files and memory (`ulimit -u`, `ulimit -n`, `ulimit -v`).",
  },
] as const;

/**
 * What ended a run, as an error with a kind: errors that nobody has told of are a fault of Holdfast, but for those by which the system
 * says that it has no more files, threads or memory to give.
 */
export function knownFailure(error: unknown): HoldfastError {
  if (error instanceof HoldfastError && error.kind !== "internal") return error;
  const causes = causesOf(error);
  const shortage = shortages.find(({ sign }) => causes.some((cause) => signsOf(cause).some((text) => sign.test(text))));
  const message = error instanceof Error ? error.message : String(error);
  if (shortage !== undefined) {
    const { what, hint } = shortage;
    return new HoldfastError("unavailable", `Cannot go on: ${what} (${message})`, { hint, cause: error });
  }
  if (isHoldfastError(error)) return error;
  return new HoldfastError("internal", `Holdfast itself failed: ${message}`, {
    hint: "Run it again with HOLDFAST_DEBUG=1 and report what it prints.",
    cause: error,
  });
}

function causesOf(error: unknown): Error[] {
  const causes = [];
  for (let cause = error; cause instanceof Error && causes.length < depthMax; cause = cause.cause) causes.push(cause);
  return causes;
}

function signsOf(error: Error): string[] {
  const { code } = error as NodeJS.ErrnoException;
  // EAGAIN is also what a read says that has to wait: there its code tells of no shortage, while its message tells of the call.
  return typeof code === "string" && code !== "EAGAIN" ? [code, error.message] : [error.message];
}
