import { withoutLibc } from "./apply-flags.ts";
import { libc, longestPathBytes, workingDirectory } from "./libc.ts";
import { openShortPath } from "./long-path.ts";
import { type MetadataProblem, metadataProblem, noProblems } from "./metadata-problem.ts";
import { aliasPath } from "./node-path.ts";
import type { ExtendedAttribute } from "./read-extended.ts";

const mostBytes = 65_536;

/** The ACL that a file gets from a directory with a default ACL. */
export const accessAcl = "system.posix_acl_access";

/**
 * Sets the extended attributes of an open file, in the order given.
 *
 * @returns a problem for each that could not be set
 */
export function applyExtendedOpen(fd: number, wanted: readonly ExtendedAttribute[]): readonly MetadataProblem[] {
  if (wanted.length === 0) return noProblems;
  const c = libc();
  if (c === undefined) return wanted.map(([name]) => withoutLibc(`xattr ${name}`));
  let problems: MetadataProblem[] | undefined;
  for (const [name, value] of wanted) {
    if (name.length > 255) (problems ??= []).push(metadataProblem(`xattr ${name}`, 34));
    else if (c.fsetxattr(fd, c.putName(name), value, value.byteLength, 0) !== 0) {
      (problems ??= []).push(metadataProblem(`xattr ${name}`, c.errno()));
    }
  }
  return problems ?? noProblems;
}

/**
 * Gives an entry, a symlink itself included, exactly the extended attributes `wanted`: sets them, then removes others of
 * the namespaces `user`, `trusted`, ACLs and file capabilities. What else the system attaches (labels) stays.
 *
 * @returns a problem for each that could not be set or removed
 */
export function applyExtended(
  path: string,
  wanted: readonly ExtendedAttribute[],
  directoryFd: number = workingDirectory,
): readonly MetadataProblem[] {
  const c = libc();
  if (c === undefined) return wanted.map(([name]) => withoutLibc(`xattr ${name}`));
  const whole = aliasPath(path, directoryFd);
  if (whole.length > longestPathBytes) {
    const short = openShortPath(path, directoryFd);
    try {
      return applyExtended(short.name, wanted, short.directoryFd);
    } finally {
      short.close();
    }
  }
  const place = c.putPath(whole);
  const problems: MetadataProblem[] = [];
  for (const [name, value] of wanted) {
    if (name.length > 255) problems.push(metadataProblem(`xattr ${name}`, 34));
    else if (c.lsetxattr(place, c.putName(name), value, value.byteLength, 0) !== 0) {
      problems.push(metadataProblem(`xattr ${name}`, c.errno()));
    }
  }
  const listBytes = c.llistxattr(place, c.data, mostBytes);
  if (listBytes > 0) {
    for (const name of c.dataView.latin1Slice(0, listBytes).split("\0")) {
      if (!isOurs(name) || wanted.some((attribute) => attribute[0] === name)) continue;
      if (c.lremovexattr(place, c.putName(name)) !== 0) problems.push(metadataProblem(`xattr ${name}`, c.errno()));
    }
  }
  return problems.length === 0 ? noProblems : problems;
}

function isOurs(name: string): boolean {
  return (
    name.startsWith("user.") ||
    name.startsWith("trusted.") ||
    name.startsWith("system.posix_acl_") ||
    name === "security.capability"
  );
}
