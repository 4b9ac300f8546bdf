import { HoldfastError } from "#shared/errors.ts";

/**
 * Checks the number of a command's arguments.
 *
 * @param wanted - what they are, in words, such as "one SNAPSHOT[:PATH]"
 * @throws {HoldfastError} invalid
 */
export function expectArguments(
  command: string,
  positionals: readonly string[],
  count: { readonly min: number; readonly max: number; readonly wanted: string },
): void {
  if (positionals.length >= count.min && positionals.length <= count.max) return;
  const given = positionals.length === 0 ? "none is given" : `${positionals.length} are given`;
  throw new HoldfastError("invalid", `Cannot run ${command}: it takes ${count.wanted}, and ${given}`, {
    hint: positionals.includes("at")
      ? `\`at STORE\` comes before the command: \`holdfast at STORE ${command} …\`.`
      : `Run \`holdfast help ${command}\`.`,
  });
}
