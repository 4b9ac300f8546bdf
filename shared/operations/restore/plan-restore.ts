import type { Exporter } from "#shared/connectors/exporter.ts";
import { entryPath, entryTypes } from "#shared/format/entry.ts";
import { isHoldfastError } from "#shared/errors.ts";
import { newProgress, type Reporter } from "#shared/operations/progress.ts";
import { BlockedDirectories } from "./blocked-directories.ts";
import { notRead } from "./not-read.ts";
import { placeOf } from "./place-of.ts";
import type { EntryListener, RestoreItem } from "./restore-options.ts";

/** What a restore would do. */
export type RestorePlan = {
  readonly entries: number;
  readonly create: number;
  readonly replace: number;
  readonly keep: number;
  readonly bytesToWrite: number;
  readonly errors: number;
};

/** Compares entries with what is in the targets; writes nothing. A target that is not there has no exporter. */
export async function planRestore(
  items: readonly { readonly item: RestoreItem; readonly exporter: Exporter | undefined; readonly root: string }[],
  { reporter, onEntry }: { readonly reporter: Reporter; readonly onEntry?: EntryListener | undefined },
): Promise<RestorePlan> {
  const progress = newProgress("restore", "comparing");
  reporter.start(progress);
  const plan = { entries: 0, create: 0, replace: 0, keep: 0, bytesToWrite: 0, errors: 0 };
  for (const { item, exporter, root } of items) {
    const blocked = new BlockedDirectories();
    const entries = item.entries(({ last, entries: lost, error }) => {
      plan.errors += lost;
      reporter.entryError({ path: entryPath(last), kind: error.kind, message: error.message });
    });
    for await (const entry of entries) {
      const path = item.targetOf(entry);
      progress.entriesDone++;
      progress.currentPath = path;
      plan.entries++;
      if (blocked.holds(path)) {
        plan.errors++;
        continue;
      }
      if (entry.error !== undefined) {
        plan.errors++;
        reporter.entryError({ path, kind: "absent", message: notRead(entry.error) });
        continue;
      }
      try {
        const decision = exporter === undefined ? "create" : exporter.foresee(path, entry);
        plan[decision === "leave" ? "keep" : decision]++;
        if (entry.type !== entryTypes.directory) onEntry?.(placeOf(root, path), decision);
        if (decision !== "keep" && decision !== "leave" && entry.type === entryTypes.file)
          plan.bytesToWrite += entry.size;
      } catch (error) {
        if (!isHoldfastError(error) || error.kind === "internal") throw error;
        plan.errors++;
        if (entry.type === entryTypes.directory) blocked.add(path);
        reporter.entryError({ path, kind: String(error.detail["errno"] ?? error.kind), message: error.message });
      }
    }
    exporter?.close();
  }
  return plan;
}
