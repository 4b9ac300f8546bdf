import type { Tool } from "#infra-tests/bench/tool.ts";

/** restic 0.17 and later: zstd by its own default level, AES-256-CTR with Poly1305. */
export const restic: Tool = {
  name: "restic",
  programs: ["restic"],
  settings: "compression auto (zstd, its default level)",
  version: (program) => ({ program, args: ["version"] }),
  environment: (place) => ({ RESTIC_REPOSITORY: place.store, RESTIC_PASSWORD: place.passphrase }),
  prepare: (place) => [{ program: place.program, args: ["init"] }],
  backup: (place) => ({ program: place.program, args: ["backup", "--quiet", place.tree] }),
  restore: (place) => ({
    program: place.program,
    args: ["restore", "--quiet", `latest:${place.tree}`, "--target", place.target],
  }),
  restoredTree: (place) => place.target,
  check: (place) => ({ program: place.program, args: ["check", "--read-data"] }),
};
