import type { Tool } from "#infra-tests/bench/tool.ts";

/** rustic: restic's format from Rust, zstd level 3, its check after encoding left on as by default. */
export const rustic: Tool = {
  name: "rustic",
  programs: ["rustic"],
  settings: "zstd 3",
  version: (program) => ({ program, args: ["--version"] }),
  environment: (place) => ({
    RUSTIC_REPOSITORY: place.store,
    RUSTIC_PASSWORD: place.passphrase,
    RUSTIC_NO_PROGRESS: "true",
  }),
  prepare: (place) => [{ program: place.program, args: ["init", "--set-compression", "3"] }],
  backup: (place) => ({ program: place.program, args: ["backup", place.tree] }),
  restore: (place) => ({ program: place.program, args: ["restore", `latest:${place.tree}`, place.target] }),
  restoredTree: (place) => place.target,
  check: (place) => ({ program: place.program, args: ["check", "--read-data"] }),
};
