import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { compareTrees, describeDifferences } from "#infra-tests/fidelity/compare-trees.ts";

/*
 * What `npm start` shows: a real directory (this project's own sources, or the one named) backed up, listed, restored and
 * compared, in a store and with a passphrase that are thrown away at the end.
 */
const project = fileURLToPath(new URL("../..", import.meta.url));
const source = resolve(process.argv[2] ?? join(project, "shared"));
const work = mkdtempSync(join(tmpdir(), "holdfast-demo-"));
const store = join(work, "store");
const target = join(work, "restored");
const environment = {
  ...process.env,
  HOLDFAST_PASSPHRASE: randomBytes(12).toString("base64url"),
  XDG_CACHE_HOME: join(work, "cache"),
  XDG_DATA_HOME: join(work, "data"),
};

function holdfast(...words: string[]): void {
  console.log(`\n$ holdfast ${words.join(" ")}`);
  const { status } = spawnSync(process.execPath, [join(project, "agent/holdfast.cjs"), ...words], {
    stdio: "inherit",
    env: environment,
  });
  if (status !== 0) throw new Error(`holdfast ${words.join(" ")} ended with code ${String(status)}`);
}

try {
  console.log(`Everything below happens in ${work} and is removed at the end.`);
  holdfast("at", store, "create", "--recovery-key-file", join(work, "recovery.key"));
  holdfast("at", store, "backup", source);
  holdfast("at", store, "backup", source);
  holdfast("at", store, "ls");
  holdfast("at", store, "ls", `latest:${source}`);
  holdfast("at", store, "restore", `latest:${source}`, "--to", target);
  holdfast("at", store, "check", "--read");
  const comparison = compareTrees(source, target);
  console.log(`\nCompared ${source} with what was restored: ${comparison.comparedEntries} entries.`);
  if (comparison.differences.length > 0) throw new Error(describeDifferences(comparison));
  console.log("They are the same.");
} finally {
  rmSync(work, { recursive: true, force: true });
}
