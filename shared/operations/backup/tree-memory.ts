import type { KnownLeaves } from "./known-leaves.ts";

/** A host's memory of the trees that it backed up, one for each root. It may forget at any time. */
export interface TreeMemory {
  /** What was remembered last of a root; the same object each time. */
  recall(root: string): KnownLeaves | undefined;
  /** Remembers a tree instead of what was remembered before. A failure is no failure of the backup. */
  remember(root: string, leaves: KnownLeaves): void;
}
