/** The commands in the order of the overview. */
export const commandNames = [
  "create",
  "backup",
  "restore",
  "ls",
  "cat",
  "mount",
  "ui",
  "check",
  "repair",
  "info",
  "rm",
  "undelete",
  "maintenance",
  "key",
  "doctor",
  "help",
  "version",
] as const;

/** The name of a command. */
export type CommandName = (typeof commandNames)[number];

/** Whether there is a command by that name. */
export function isCommandName(name: string): name is CommandName {
  return (commandNames as readonly string[]).includes(name);
}
