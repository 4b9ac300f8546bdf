import { libc } from "#agent/filesystem/libc.ts";

/** Milliseconds between two looks at the parent, where the system does not tell of its end. */
const lookMs = 500;

/**
 * Ends this process, as a SIGKILL does, when the process that wraps it ends in a way that it could not pass on: by SIGKILL, or because the
 * system had no memory left. A kill is safe for a store at any time; a run that nobody can reach any more is not wanted.
 *
 * Where the system can it is asked to do that (`PR_SET_PDEATHSIG`); elsewhere the parent is looked at now and then.
 *
 * @param wrapperPid - the parent when this process was started
 */
export function endWithWrapper(wrapperPid: number): void {
  const isAsked = libc()?.setParentDeathSignal(9) === 0;
  // It may have ended before the system was asked.
  endIfAlone(wrapperPid);
  if (!isAsked) setInterval(() => endIfAlone(wrapperPid), lookMs).unref();
}

function endIfAlone(wrapperPid: number): void {
  if (process.ppid !== wrapperPid) process.kill(process.pid, "SIGKILL");
}
