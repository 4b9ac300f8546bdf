import type { View } from "#shared/view/view.ts";
import type { LatestChoice } from "#gateway/access/latest-choices.ts";
import type { Mount } from "#gateway/mount.ts";

/** A request of S3 that was let in. */
export type S3Request = {
  readonly method: "GET" | "HEAD";
  readonly mount: Mount;
  readonly view: View;
  readonly latest: LatestChoice;
  readonly headers: Headers;
  readonly query: ReadonlyMap<string, string>;
  /** The path as it was written, for errors. */
  readonly resource: string;
  readonly nowMs: number;
};

/** A bucket that is there. */
export type Bucket = {
  readonly name: string;
  /** The directory of the view that it is. */
  readonly root: string;
  /** The id of the snapshot; its name where a directory of only one is served. */
  readonly snapshot: string;
  /**
   * Of a bucket whose name means the newest snapshot: what this client read under that name before this request, "" for nothing. Undefined: the
   * bucket has the name of one snapshot.
   */
  readonly begun: string | undefined;
};
