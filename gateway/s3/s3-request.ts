import type { View, ViewEntry } from "#shared/view/view.ts";
import type { Mount } from "#gateway/mount.ts";

/** A request of S3 that was let in. */
export type S3Request = {
  readonly method: "GET" | "HEAD";
  readonly mount: Mount;
  readonly view: View;
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
  readonly entry: ViewEntry;
};
