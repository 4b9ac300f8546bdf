import type { ErrorKind } from "#shared/errors.ts";
import type { ProbedCheck, ProbeReport } from "#shared/store/probe-store.ts";
import { displayText } from "#agent/render/display-name.ts";
import { defineCommand } from "./command.ts";
import { expectArguments } from "./expect-arguments.ts";

/** `holdfast doctor`: tries whether a place is fit to hold a store. */
export const doctor = defineCommand({
  name: "doctor",
  summary: "try whether a place is fit to hold a store",
  synopsis: [""],
  manual: {
    description: [
      "Tries on the address given by `at` or HOLDFAST_STORE everything that Holdfast needs of a store: that objects come back as they went, whole or not at all; that ranges, sizes and listings are right; that creating an object has exactly one winner of 32 who race for it; that a deleted object is gone.",
      "It writes small objects under a prefix of its own, and deletes them. A store that is there is not touched, and no passphrase is needed.",
      "What could not be tried is told as such, and says nothing against the place: no answer came, the disk is full, or this process may open too few files.",
      "A place that lets two racers win must not be used: two backups that end at the same moment could hide each other. `s3rver` and some older S3 servers are such places.",
    ],
    exits: {
      incompatible: "the place lacks something that Holdfast needs",
      absent: "there is no such place, such as a bucket",
      unavailable: "the place could not be tried, or not to the end, as on a full disk",
    },
    examples: [
      { line: "holdfast at s3://bucket/hosts doctor", does: "Try a bucket before a store is made in it." },
      { line: "holdfast --json at /mnt/nas doctor", does: "Try a network file system, for a program to read." },
    ],
  },
  options: [],
  async run({ positionals, renderer, engine }) {
    expectArguments("doctor", positionals, { min: 0, max: 0, wanted: "no arguments" });
    const { fitness, checks } = await (
      await engine()
    ).probe(({ name, outcome, explanation }) => {
      const text = `${outcomeWords[outcome]}  ${name}: ${displayText(explanation)}`;
      renderer.result("check", { name, outcome, explanation }, text);
    });
    const unreached = unreachedBy(checks[0]);
    if (unreached !== undefined) {
      renderer.result("verdict", { fitness: "unknown" }, "Not tried: nothing could be written there and read back.");
      return unreached;
    }
    renderer.result("verdict", { fitness }, verdictOf(fitness, checks));
    return outcomes[fitness];
  },
});

/** Why a place cannot be tried at all, where the first check ended by that: it tells nothing of what the place can do. */
function unreachedBy(first: ProbedCheck | undefined): ErrorKind | undefined {
  return first !== undefined && first.outcome !== "pass" && unreachedKinds.includes(first.kind)
    ? first.kind
    : undefined;
}

function verdictOf(fitness: ProbeReport["fitness"], checks: readonly ProbedCheck[]): string {
  if (fitness === "fit") return "Fit to hold a store.";
  if (fitness === "unfit") return "UNFIT: do not use it.";
  const untried = checks.filter(({ outcome }) => outcome === "unknown");
  const hint = untried.find((check) => check.hint !== undefined)?.hint;
  const names = untried.map(({ name }) => name).join(", ");
  return `Not known: ${names} could not be tried.${hint === undefined ? "" : ` ${displayText(hint)}`}`;
}

const outcomes = { fit: "ok", unfit: "incompatible", unknown: "unavailable" } as const;
const unreachedKinds: readonly (ErrorKind | undefined)[] = ["absent", "denied", "unavailable"];
const outcomeWords = { pass: "ok  ", warn: "weak", fail: "FAIL", unknown: "?   " };
