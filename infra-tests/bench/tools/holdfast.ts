import { join } from "node:path";
import { installedHoldfast } from "#infra-tests/bench/install-build.ts";
import type { Command, Place, Tool } from "#infra-tests/bench/tool.ts";

const at = (place: Place, ...args: string[]): Command => ({
  program: process.execPath,
  args: [place.program, "--quiet", "--keyfile", keyfile(place), "at", place.store, ...args],
});

/** An unattended host opens its store with a key file, which needs no stretching of a passphrase; kopia keeps its key likewise. */
const keyfile = (place: Place): string => join(place.home, "bench.key");

const byPassphrase = (place: Place, ...args: string[]): Command => ({
  program: process.execPath,
  args: [place.program, "--quiet", "at", place.store, ...args],
});

/** This checkout as a package, under the Node that runs the bench; zstd 1, XChaCha20-Poly1305, verify after encode. */
export const holdfast: Tool = {
  name: "holdfast",
  programs: [installedHoldfast],
  settings: "defaults (zstd 1, verify after encode), opened with a key file",
  version: (program) => ({ program: process.execPath, args: [program, "version"] }),
  environment: (place) => ({ HOLDFAST_PASSPHRASE: place.passphrase }),
  prepare: (place) => [
    byPassphrase(place, "create"),
    byPassphrase(place, "key", "add", "--role", "owner", "--label", "bench", "--out", keyfile(place)),
  ],
  backup: (place) => at(place, "backup", place.tree),
  restore: (place) => at(place, "restore", `latest:${place.tree}`, "--to", place.target),
  restoredTree: (place) => place.target,
  check: (place) => at(place, "check", "--read"),
};
