import { withoutLibc } from "./apply-flags.ts";
import { type Libc, libc, longestPathBytes, workingDirectory } from "./libc.ts";
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
export function replaceExtended(
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
      return replaceExtended(short.name, wanted, short.directoryFd);
    } finally {
      short.close();
    }
  }
  const place = c.putPath(whole);
  let problems: MetadataProblem[] | undefined;
  for (const [name, value] of wanted) {
    if (name.length > 255) (problems ??= []).push(metadataProblem(`xattr ${name}`, 34));
    else if (c.lsetxattr(place, c.putName(name), value, value.byteLength, 0) !== 0) {
      (problems ??= []).push(metadataProblem(`xattr ${name}`, c.errno()));
    }
  }
  const listBytes = c.llistxattr(place, c.data, mostBytes);
  if (listBytes > 0) {
    for (const name of excess(c, listBytes, wanted)) {
      if (c.lremovexattr(place, c.putName(name)) !== 0) {
        (problems ??= []).push(metadataProblem(`xattr ${name}`, c.errno()));
      }
    }
  }
  return problems ?? noProblems;
}

/** `replaceExtended` of what is open (not as a place only), which is the fastest way. */
export function replaceExtendedOpen(fd: number, wanted: readonly ExtendedAttribute[]): readonly MetadataProblem[] {
  const failed = applyExtendedOpen(fd, wanted);
  const c = libc();
  if (c === undefined) return failed;
  const listBytes = c.flistxattr(fd, c.data, mostBytes);
  if (listBytes <= 0) return failed;
  const problems = [...failed];
  for (const name of excess(c, listBytes, wanted)) {
    if (c.fremovexattr(fd, c.putName(name)) !== 0) problems.push(metadataProblem(`xattr ${name}`, c.errno()));
  }
  return problems;
}

/** The names, of those just listed, that a restore is answerable for and that are not wanted. */
function excess(c: Libc, listBytes: number, wanted: readonly ExtendedAttribute[]): string[] {
  const names = c.dataView.latin1Slice(0, listBytes).split("\0");
  return names.filter((name) => isOurs(name) && !wanted.some((attribute) => attribute[0] === name));
}

function isOurs(name: string): boolean {
  return (
    name.startsWith("user.") ||
    name.startsWith("trusted.") ||
    name.startsWith("system.posix_acl_") ||
    name === "security.capability"
  );
}
