import { basename, dirname, join } from "node:path";
import type { Tool } from "#infra-tests/bench/tool.ts";

/** borg 1.2: zstd level 3, AES-256-CTR with BLAKE2b (measured faster here than its SHA-256 modes). */
export const borg: Tool = {
  name: "borg",
  programs: ["borg"],
  settings: "zstd 3, repokey-blake2",
  version: (program) => ({ program, args: ["--version"] }),
  environment: (place) => ({ BORG_REPO: place.store, BORG_PASSPHRASE: place.passphrase, BORG_BASE_DIR: place.home }),
  prepare: (place) => [{ program: place.program, args: ["init", "--encryption", "repokey-blake2"] }],
  backup: (place, phase) => ({
    program: place.program,
    args: ["create", "--compression", "zstd,3", `::${phase}`, basename(place.tree)],
    cwd: dirname(place.tree),
  }),
  restore: (place, newest) => ({ program: place.program, args: ["extract", `::${newest}`], cwd: place.target }),
  restoredTree: (place) => join(place.target, basename(place.tree)),
  check: (place) => ({ program: place.program, args: ["check", "--verify-data"] }),
};
