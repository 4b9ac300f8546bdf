import { HoldfastError } from "#shared/errors.ts";
import type { StreamInput } from "./stream-importer.ts";

/** The standard input of this process. One that is empty is taken for a failure: whatever was to write to it is the likely reason. */
export function standardInput(): StreamInput {
  return {
    description: "standard input",
    open() {
      if (process.stdin.isTTY) {
        throw new HoldfastError("invalid", "Cannot back up standard input: it is a terminal", {
          hint: "Write `COMMAND | holdfast backup --stdin --stdin-filename PATH`.",
        });
      }
      return process.stdin as AsyncIterable<Uint8Array>;
    },
    finish(sizeBytes) {
      if (sizeBytes > 0) return Promise.resolve();
      throw new HoldfastError("absent", "Cannot back up standard input: it is empty, so no snapshot was made", {
        hint: "See whether the command that writes to it failed. --from-command tells, and takes an empty output of one that succeeds.",
      });
    },
    stop() {
      process.stdin.destroy();
      return Promise.resolve();
    },
  };
}
