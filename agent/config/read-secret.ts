import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { promptPassphrase, type PromptTerminal } from "./prompt-passphrase.ts";
import { readBoundedFile } from "./read-bounded-file.ts";
import type { Secret } from "./secret.ts";

/** Where a secret may come from, in the order in which they are asked. */
export type SecretSources = {
  /** `--keyfile` */
  readonly keyfile: string | undefined;
  /** `--passphrase-command` */
  readonly passphraseCommand: string | undefined;
  /** Whether standard input is not for a command to read, because it is backed up. */
  readonly isInputTaken?: boolean;
  /** HOLDFAST_PASSPHRASE */
  readonly passphrase: string | undefined;
  /** Gives the terminal to ask on, if there is one. */
  readonly terminal: () => Promise<(PromptTerminal & { close(): void }) | undefined>;
};

const keyfileBytesMax = 64 * 1024;
const triesMax = 3;

/**
 * Gets a secret and hands it to `use` until it is accepted: a passphrase typed at the terminal may be wrong twice (when
 * `use` throws `denied`) before the third refusal counts; one from elsewhere has a single try.
 *
 * @throws {HoldfastError} denied: no source gives a secret, or `use` refuses it
 */
export async function withSecret<Result>(
  sources: SecretSources,
  signal: AbortSignal,
  use: (secret: Secret) => Promise<Result>,
): Promise<Result> {
  const given = await givenSecret(sources, signal);
  if (given) return use(given);
  return onTerminal(sources, async (terminal) => {
    for (let tries = 1; ; tries++) {
      const passphrase = await promptPassphrase(terminal, "Passphrase: ", signal);
      try {
        return await use({ form: "passphrase", passphrase, source: "terminal" });
      } catch (error) {
        if (!isHoldfastError(error, "denied") || tries === triesMax) throw error;
        terminal.output.write("That passphrase does not open the store. Try again.\n");
      }
    }
  });
}

/**
 * A new passphrase: from the command, the variable, or typed twice at the terminal (three tries).
 *
 * @throws {HoldfastError} invalid: empty, or the two did not match three times
 * @throws {HoldfastError} denied: no source gives one
 */
export async function newPassphrase(sources: SecretSources, signal: AbortSignal): Promise<string> {
  const given = await givenSecret({ ...sources, keyfile: undefined }, signal);
  if (given?.form === "passphrase") return notEmpty(given.passphrase);
  return onTerminal(sources, async (terminal) => {
    for (let tries = 1; tries <= triesMax; tries++) {
      const first = await promptPassphrase(terminal, "New passphrase: ", signal);
      if (first === "") {
        terminal.output.write("It must not be empty.\n");
        continue;
      }
      if (first === (await promptPassphrase(terminal, "Once more: ", signal))) return first;
      terminal.output.write("The two differ.\n");
    }
    throw new HoldfastError("invalid", "Cannot set a passphrase: it was not typed twice alike");
  });
}

/**
 * For what needs no secret: looks at the key file that an option names, so that a wrong name is told all the same.
 *
 * @returns whether an option names a secret, which then is not used
 * @throws {HoldfastError} as `withSecret` where the file is not there or cannot be one
 */
export async function lookAtUnused(
  { keyfile, passphraseCommand }: SecretSources,
  signal: AbortSignal,
): Promise<boolean> {
  if (keyfile !== undefined) await readKeyfile(keyfile, signal);
  return keyfile !== undefined || passphraseCommand !== undefined;
}

async function givenSecret(sources: SecretSources, signal: AbortSignal): Promise<Secret | undefined> {
  if (sources.keyfile !== undefined) return readKeyfile(sources.keyfile, signal);
  if (sources.passphraseCommand !== undefined) {
    // Loaded where it is needed, with Node's child processes.
    const { runPassphraseCommand } = await import("./run-passphrase-command.ts");
    const passphrase = await runPassphraseCommand(sources.passphraseCommand, {
      signal,
      stdin: sources.isInputTaken === true ? "ignore" : "inherit",
    });
    return { form: "passphrase", passphrase, source: "--passphrase-command" };
  }
  if (sources.passphrase === undefined) return undefined;
  return { form: "passphrase", passphrase: notEmpty(sources.passphrase), source: "HOLDFAST_PASSPHRASE" };
}

async function readKeyfile(path: string, signal: AbortSignal): Promise<Secret> {
  const content = await readBoundedFile({ path, what: "key file", limitBytes: keyfileBytesMax, signal });
  if (content.length === 0) throw new HoldfastError("invalid", `Cannot use the key file ${path}: it is empty`);
  return { form: "keyfile", content: new Uint8Array(content), path };
}

async function onTerminal<Result>(
  sources: SecretSources,
  ask: (terminal: PromptTerminal) => Promise<Result>,
): Promise<Result> {
  const terminal = await sources.terminal();
  if (!terminal) {
    throw new HoldfastError("denied", "Cannot ask for the passphrase: there is no terminal", {
      hint: "Use --keyfile, --passphrase-command or the variable HOLDFAST_PASSPHRASE.",
    });
  }
  try {
    return await ask(terminal);
  } finally {
    terminal.close();
  }
}

function notEmpty(passphrase: string): string {
  if (passphrase !== "") return passphrase;
  throw new HoldfastError("invalid", "Cannot use an empty passphrase");
}
