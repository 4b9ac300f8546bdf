import type { Command } from "./command.ts";
import type { CommandName } from "./command-names.ts";

/** The commands in the order of the overview. A command's module is loaded when it is asked for, and not before. */
export const commandTable = {
  create: () => import("./create.ts").then(({ create }) => create),
  backup: () => import("./backup.ts").then(({ backup }) => backup),
  restore: () => import("./restore.ts").then(({ restore }) => restore),
  ls: () => import("./ls.ts").then(({ ls }) => ls),
  cat: () => import("./cat.ts").then(({ cat }) => cat),
  mount: () => import("./mount.ts").then(({ mount }) => mount),
  ui: () => import("./ui.ts").then(({ ui }) => ui),
  check: () => import("./check.ts").then(({ check }) => check),
  repair: () => import("./repair.ts").then(({ repair }) => repair),
  info: () => import("./info.ts").then(({ info }) => info),
  rm: () => import("./rm.ts").then(({ rm }) => rm),
  undelete: () => import("./undelete.ts").then(({ undelete }) => undelete),
  maintenance: () => import("./maintenance.ts").then(({ maintenance }) => maintenance),
  key: () => import("./key.ts").then(({ key }) => key),
  doctor: () => import("./doctor.ts").then(({ doctor }) => doctor),
  help: () => import("./help.ts").then(({ help }) => help),
  version: () => import("./version.ts").then(({ version }) => version),
} satisfies Record<CommandName, () => Promise<Command>>;
