import { parseArgs } from "node:util";
import { HoldfastError } from "#shared/errors.ts";
import { isPhase, phases } from "./phases.ts";
import type { Phase } from "./phases.ts";

/** What the command line of the bench asks for. */
export type BenchOptions = {
  readonly directory: string;
  /** Names of tools; undefined for all that are found. */
  readonly tools: readonly string[] | undefined;
  readonly rounds: number;
  readonly phases: readonly Phase[];
  readonly json: string | undefined;
  readonly work: string | undefined;
  readonly restoreTo: string;
  readonly waitMs: number;
};

/** The manual of the bench. */
export const benchManual = `npm run bench -- <directory> [options]

Runs holdfast and every peer found in .cache/bin or on PATH on a copy of <directory>, side by side, and prints medians and
ratios. infra-tests/peers/install.sh installs the peers.

  --tools a,b     only these: holdfast, restic, rustic, kopia, borg, plakar, restic-debian
  --rounds N      how often (3)
  --phases a,b    only these: ${phases.join(", ")}
  --json FILE     where the results go (bench-results/<date>.json)
  --work DIR      where the tree is copied and the stores are made (.cache/bench); its content is deleted
  --restore-to DIR  where restores go (/dev/shm)
  --wait SECONDS  before each timed run, wait up to so long for the rest of the machine to be quiet (0)

Exit codes: 0 whatever the ratios are, 3 when a tool failed, 64 for a wrong flag.
`;

/** Reads the command line of the bench. Errors: `invalid`. */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parse(args);
  const directory = positionals[0];
  if (directory === undefined || positionals.length > 1) {
    throw new HoldfastError("invalid", "Cannot start the bench: it takes exactly one directory.", {
      hint: benchManual,
    });
  }
  const rounds = Number(values.rounds ?? "3");
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new HoldfastError("invalid", `Cannot start the bench: --rounds ${values.rounds} is no positive number.`);
  }
  const waitSeconds = Number(values.wait ?? "0");
  if (!(waitSeconds >= 0)) {
    throw new HoldfastError("invalid", `Cannot start the bench: --wait ${values.wait} is no number of seconds.`);
  }
  const wanted = values.phases === undefined ? phases : words(values.phases);
  for (const word of wanted) {
    if (!isPhase(word)) {
      throw new HoldfastError("invalid", `Cannot start the bench: there is no phase ${word}.`, {
        hint: `Choose from ${phases.join(", ")}.`,
      });
    }
  }
  return {
    directory,
    tools: values.tools === undefined ? undefined : words(values.tools),
    rounds,
    phases: phases.filter((phase) => wanted.includes(phase)),
    json: values.json,
    work: values.work,
    restoreTo: values["restore-to"] ?? "/dev/shm",
    waitMs: waitSeconds * 1000,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        tools: { type: "string" },
        rounds: { type: "string" },
        phases: { type: "string" },
        json: { type: "string" },
        work: { type: "string" },
        wait: { type: "string" },
        "restore-to": { type: "string" },
      },
    });
  } catch (cause) {
    throw new HoldfastError("invalid", `Cannot start the bench: ${cause instanceof Error ? cause.message : ""}`, {
      cause,
      hint: benchManual,
    });
  }
}

function words(list: string): readonly string[] {
  return list.split(",").filter((word) => word !== "");
}
