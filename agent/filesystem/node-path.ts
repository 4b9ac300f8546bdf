import { workingDirectory } from "./libc.ts";

/**
 * What Node's fs takes for a binary path: the string itself where it is ASCII, its bytes otherwise.
 *
 * @param path - one char a byte; relative to `directoryFd` when that is given (through `/proc/self/fd`, so on Linux)
 */
export function nodePath(path: string, directoryFd: number = workingDirectory): string | Buffer {
  const whole = directoryFd === workingDirectory ? path : aliasPath(path, directoryFd);
  // eslint-disable-next-line no-control-regex
  return /[^\x00-\x7f]/.test(whole) ? Buffer.from(whole, "latin1") : whole;
}

/** A path that names `name` in the directory behind an open descriptor, for calls that know no descriptors. */
export function aliasPath(name: string, directoryFd: number): string {
  return directoryFd === workingDirectory || name.startsWith("/") ? name : `/proc/self/fd/${directoryFd}/${name}`;
}

/** The binary form of a path that a person or a configuration gave as text: the bytes of its UTF-8. */
export function binaryPath(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
