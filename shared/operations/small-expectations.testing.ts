import { expect } from "vitest";
import type { CheckReport } from "./check/check.ts";
import type { ScriptedEntry } from "./backup/scripted-source.testing.ts";
import { checkSmall, isSound, wholeFile } from "./small-store.testing.ts";
import type { Store } from "#shared/store/store.ts";

/** A check finds nothing wrong. */
export async function expectSound(store: Store, what = "the store", readPercent = 100): Promise<CheckReport> {
  const report = await checkSmall(store, readPercent);
  if (!isSound(report)) expect.fail(`${what}: ${JSON.stringify(report)}`);
  return report;
}

/** What `readWhole` read has every file of a tree that was backed up. */
export function expectTree(read: ReadonlyMap<string, string>, tree: readonly ScriptedEntry[], what = ""): void {
  for (const { path, content } of tree)
    expect(read.get(`/scripted/${path}`), `${what} ${path}`).toBe(wholeFile(content ?? ""));
}
