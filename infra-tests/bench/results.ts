import type { TreeComparison } from "./compare-trees.ts";
import type { Measurement } from "./measure.ts";
import type { Phase } from "./phases.ts";
import type { TreeSize } from "./tree-size.ts";

/** One timed run. */
export type Sample = Measurement & { readonly tool: string; readonly round: number; readonly phase: Phase };

/** The size of a store after the first backup and after the last one of a round, in bytes of its files. */
export type StoreSize = {
  readonly tool: string;
  readonly round: number;
  readonly afterFirstBytes: number;
  readonly afterLastBytes: number;
};

/** What a bench run found. This is what the JSON file holds. */
export type BenchResults = {
  readonly startedAt: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryBytes: number;
    readonly kernel: string;
    readonly node: string;
  };
  readonly tree: TreeSize & { readonly path: string };
  readonly rounds: number;
  readonly phases: readonly Phase[];
  readonly tools: readonly { readonly name: string; readonly version: string; readonly settings: string }[];
  readonly samples: readonly Sample[];
  readonly storeSizes: readonly StoreSize[];
  readonly restores: readonly (TreeComparison & { readonly tool: string })[];
  readonly failures: readonly {
    readonly tool: string;
    readonly round: number;
    readonly phase: string;
    readonly message: string;
  }[];
};
