import type { Tool } from "#infra-tests/bench/tool.ts";

/**
 * plakar 1.1: its defaults (it offers no choice of compression).
 *
 * Its backups start a daemon (`plakar cached`) that folds the store's states and lives for some seconds more: that time is not
 * counted in plakar's CPU time nor in its memory.
 */
export const plakar: Tool = {
  name: "plakar",
  programs: ["plakar"],
  settings: "defaults; its daemon's CPU and memory are not counted",
  version: (program) => ({ program, args: ["version"] }),
  environment: (place) => ({ PLAKAR_PASSPHRASE: place.passphrase }),
  prepare: (place) => [
    { program: place.program, args: ["-disable-security-check"] },
    { program: place.program, args: ["at", place.store, "create"] },
  ],
  backup: (place) => ({ program: place.program, args: ["-quiet", "at", place.store, "backup", place.tree] }),
  // Without a snapshot id, plakar restores the working directory from the newest snapshot that has it.
  restore: (place) => ({
    program: place.program,
    args: ["-quiet", "at", place.store, "restore", "-to", place.target],
    cwd: place.tree,
  }),
  restoredTree: (place) => place.target,
  check: (place) => ({ program: place.program, args: ["-quiet", "at", place.store, "check"] }),
};
