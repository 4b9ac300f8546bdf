import type { Tool } from "#infra-tests/bench/tool.ts";
import { borg } from "./borg.ts";
import { holdfast } from "./holdfast.ts";
import { kopia } from "./kopia.ts";
import { plakar } from "./plakar.ts";
import { resticDebian } from "./restic-debian.ts";
import { restic } from "./restic.ts";
import { rustic } from "./rustic.ts";

/** Every tool that the bench can drive. */
export const allTools: readonly Tool[] = [holdfast, restic, rustic, kopia, borg, plakar, resticDebian];
