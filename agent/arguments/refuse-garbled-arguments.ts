import { readFileSync } from "node:fs";
import { displayName } from "#agent/render/display-name.ts";
import { HoldfastError } from "#shared/errors.ts";

const replacement = "\ufffd";

/**
 * Refuses arguments that are not UTF-8. Node gives U+FFFD in place of such bytes, which would name another file; the system still has the
 * bytes (on Linux; elsewhere nothing is refused).
 *
 * @param args - the last arguments of this process
 * @param commandLine - gives the bytes of all arguments, each with a NUL after it, or undefined
 * @throws {HoldfastError} invalid
 */
export function refuseGarbledArguments(
  args: readonly string[],
  commandLine: () => Buffer | undefined = systemCommandLine,
): void {
  if (!args.some((arg) => arg.includes(replacement))) return;
  const words = commandLine()?.toString("latin1").split("\0").slice(0, -1).slice(-args.length) ?? [];
  for (const [index, arg] of args.entries()) {
    const word = words[index];
    if (word === undefined || !arg.includes(replacement)) continue;
    const text = Buffer.from(word, "latin1").toString("utf8");
    const isOfArgument = withSingleReplacements(text) === withSingleReplacements(arg);
    if (isOfArgument && Buffer.from(text, "utf8").toString("latin1") !== word) {
      throw new HoldfastError("invalid", `Cannot use the argument "${displayName(word)}": it is not UTF-8`, {
        hint: "Name the directory that it is in; of a path in a snapshot write such bytes as `holdfast ls` shows them.",
      });
    }
  }
}

function systemCommandLine(): Buffer | undefined {
  try {
    return readFileSync("/proc/self/cmdline");
  } catch {
    return undefined;
  }
}

/** How many characters stand for a broken sequence is not the same in all decoders. */
function withSingleReplacements(text: string): string {
  return text.replaceAll(/\ufffd+/g, replacement);
}
