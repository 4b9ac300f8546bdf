import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { HoldfastError } from "#shared/errors.ts";

/**
 * Copies `directory` with all its metadata into `into`, whose former content is deleted; returns the path of the copy.
 *
 * Errors: `unavailable` when something could not be copied.
 */
export function copyTree(directory: string, into: string): string {
  const copy = join(into, basename(directory));
  rmSync(into, { recursive: true, force: true });
  mkdirSync(into, { recursive: true });
  const { error, status, stderr } = spawnSync("cp", ["-a", directory, copy], { encoding: "utf8" });
  if (error !== undefined) cpSync(directory, copy, { recursive: true, preserveTimestamps: true });
  else if (status !== 0) throw new HoldfastError("unavailable", `Cannot copy ${directory}: ${stderr.trim()}`);
  return copy;
}
