import { join } from "node:path";
import type { Tool } from "#infra-tests/bench/tool.ts";

/** kopia: its `zstd` (about level 3), BLAKE2b ids and AES-256-GCM by default. */
export const kopia: Tool = {
  name: "kopia",
  programs: ["kopia"],
  settings: "compression zstd",
  version: (program) => ({ program, args: ["--version"] }),
  environment: (place) => ({
    KOPIA_PASSWORD: place.passphrase,
    KOPIA_CONFIG_PATH: join(place.home, "kopia", "repository.config"),
    KOPIA_CHECK_FOR_UPDATES: "false",
  }),
  prepare: (place) => [
    {
      program: place.program,
      args: [
        "repository",
        "create",
        "filesystem",
        "--path",
        place.store,
        "--cache-directory",
        join(place.home, "kopia-cache"),
      ],
    },
    { program: place.program, args: ["policy", "set", "--global", "--compression", "zstd"] },
  ],
  backup: (place) => ({ program: place.program, args: ["snapshot", "create", "--no-progress", place.tree] }),
  restore: (place) => ({ program: place.program, args: ["restore", "--no-progress", place.tree, place.target] }),
  restoredTree: (place) => place.target,
  check: (place) => ({
    program: place.program,
    args: ["snapshot", "verify", "--no-progress", "--verify-files-percent=100"],
  }),
};
