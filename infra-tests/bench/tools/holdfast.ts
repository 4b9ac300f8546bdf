import { join } from "node:path";
import type { Command, Place, Tool } from "#infra-tests/bench/tool.ts";

/** The agent of this very checkout. */
export const holdfastMain = join(import.meta.dirname, "..", "..", "..", "agent", "main.ts");

const at = (place: Place, ...args: string[]): Command => ({
  program: process.execPath,
  args: [place.program, "--quiet", "at", place.store, ...args],
});

/** This checkout, under the Node that runs the bench; zstd 3, XChaCha20-Poly1305, verify after encode. */
export const holdfast: Tool = {
  name: "holdfast",
  programs: [holdfastMain],
  settings: "defaults (zstd 3, verify after encode)",
  version: (program) => ({ program: process.execPath, args: [program, "version"] }),
  environment: (place) => ({ HOLDFAST_PASSPHRASE: place.passphrase }),
  prepare: (place) => [at(place, "create")],
  backup: (place) => at(place, "backup", place.tree),
  restore: (place) => at(place, "restore", `latest:${place.tree}`, "--to", place.target),
  restoredTree: (place) => place.target,
  check: (place) => at(place, "check", "--read"),
};
