import type { Grant } from "./grant.ts";

/** Somebody who asked and whose right was checked. */
export type Principal = {
  /** For the access log. */
  readonly name: string;
  readonly grant: Grant;
};
