import { join } from "node:path";
import type { Tool } from "#infra-tests/bench/tool.ts";
import { restic } from "./restic.ts";

/** The restic of Debian 12 (0.14), which cannot restore a subdirectory without its leading path. */
export const resticDebian: Tool = {
  ...restic,
  name: "restic-debian",
  programs: ["restic-debian"],
  restore: (place) => ({
    program: place.program,
    args: ["restore", "--quiet", "latest", "--target", place.target],
  }),
  restoredTree: (place) => join(place.target, place.tree),
};
