import { errnoOf } from "./filesystem-error.ts";

/**
 * One attribute of one entry that could not be read or restored.
 *
 * `attribute` is `owner`, `mode`, `mtime`, `flag i` (the letter of chattr), `xattr user.x` (its binary name), `acl`, or
 * the type of an entry that could not be made. `errno` is the system's name of the error, or "" when it gave none.
 */
export type MetadataProblem = {
  readonly attribute: string;
  readonly errno: string;
  readonly message: string;
  /** Set where the filesystem does the same to every such entry. */
  readonly isOfFilesystem?: boolean;
};

/** The value for "nothing went wrong", shared so that the common case allocates nothing. */
export const noProblems: readonly MetadataProblem[] = Object.freeze([]);

/** The problem that an errno, or an error of Node's fs, makes of an attribute. */
export function metadataProblem(attribute: string, cause: unknown): MetadataProblem {
  const errno = errnoOf(cause);
  return { attribute, errno: errno.name, message: errno.words };
}
