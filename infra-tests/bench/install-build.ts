import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..", "..");
const installed = join(root, ".cache", "installed", "node_modules", "holdfast");

/** The program of the package that `installBuild` installs. */
export const installedHoldfast = join(installed, "agent", "holdfast.cjs");

/**
 * Builds this checkout and lays the package's files out below a `node_modules` directory, as npm does for users: what is measured is
 * what they run, and not the sources, whose types Node strips at every start.
 *
 * Packages that it depends on are found in the checkout's own `node_modules`.
 */
export function installBuild(): void {
  execFileSync(process.execPath, [join(root, "agent", "build.js")], { stdio: ["ignore", "ignore", "inherit"] });
  rmSync(installed, { recursive: true, force: true });
  mkdirSync(join(installed, "agent"), { recursive: true });
  cpSync(join(root, "agent", "holdfast.cjs"), installedHoldfast);
  cpSync(join(root, "dist"), join(installed, "dist"), { recursive: true });
  cpSync(join(root, "package.json"), join(installed, "package.json"));
}
