import { spawnSync } from "node:child_process";
import { HoldfastError } from "#shared/errors.ts";

/** How a restored tree differs from its source. */
export type TreeComparison = {
  /** The program that compared. */
  readonly by: "rsync" | "diff";
  /** Paths whose contents, type or presence differ. */
  readonly contents: number;
  /** Paths of which only metadata differ (mode, owner, times to the nanosecond, ACLs, xattrs); undefined when not compared. */
  readonly metadata: number | undefined;
  /** The first few differences, as the program printed them. */
  readonly examples: readonly string[];
};

const examplesKept = 5;

/**
 * Compares two directory trees, every byte of every file.
 *
 * Uses rsync where there is one (contents and metadata), else `diff -r --no-dereference` (contents only).
 * Errors: `internal` when neither runs.
 */
export function compareTrees(source: string, restored: string): TreeComparison {
  const maxBuffer = 1 << 28;
  // A dry run that itemises what it would change; window -1 compares times to the nanosecond.
  const rsync = spawnSync(
    "rsync",
    ["-naHAX", "--checksum", "--delete", "--modify-window=-1", "--itemize-changes", `${source}/`, `${restored}/`],
    { encoding: "utf8", maxBuffer },
  );
  if (rsync.error === undefined) {
    if (rsync.status !== 0) {
      throw new HoldfastError("internal", `Cannot compare ${restored} with its source: ${rsync.stderr.slice(-500)}`);
    }
    const lines = rsync.stdout.split("\n").filter((line) => line !== "");
    const metadata = lines.filter((line) => line.startsWith("."));
    const contents = lines.filter((line) => !line.startsWith("."));
    return {
      by: "rsync",
      contents: contents.length,
      metadata: metadata.length,
      examples: [...contents, ...metadata].slice(0, examplesKept),
    };
  }
  const diff = spawnSync("diff", ["-rq", "--no-dereference", source, restored], { encoding: "utf8", maxBuffer });
  if (diff.error !== undefined || (diff.status !== 0 && diff.status !== 1)) {
    throw new HoldfastError("internal", `Cannot compare ${restored} with its source: neither rsync nor diff ran.`, {
      hint: "Install rsync.",
    });
  }
  const lines = diff.stdout.split("\n").filter((line) => line !== "");
  return { by: "diff", contents: lines.length, metadata: undefined, examples: lines.slice(0, examplesKept) };
}
