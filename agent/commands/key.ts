import { absolutePath } from "#agent/arguments/absolute-path.ts";
import { nearestName } from "#agent/arguments/nearest-name.ts";
import { newPassphrase } from "#agent/config/read-secret.ts";
import { writePrivateFile } from "#agent/config/write-private-file.ts";
import { displayText } from "#agent/render/display-name.ts";
import { formatTime } from "#agent/render/format-time.ts";
import type { Renderer } from "#agent/render/renderer.ts";
import { HoldfastError } from "#shared/errors.ts";
import { defineCommand } from "./command.ts";
import type { AddKeyRequest, AskNewPassphrase, DamagedKey, Engine, KeySummary, UnreadableKey } from "./engine.ts";
import { expectArguments } from "./expect-arguments.ts";
import { RecoveryKeyOutput } from "./recovery-key-output.ts";

const verbs = ["add", "list", "remove", "passwd", "recovery"] as const;
type Verb = (typeof verbs)[number];

/** `holdfast key`: manages the keys of a store. */
export const key = defineCommand({
  name: "key",
  summary: "add, list, remove and change keys of the store",
  synopsis: ["add [options]", "list", "remove [--apply] SLOT", "passwd", "recovery [--out KEYFILE]"],
  manual: {
    description: [
      "A store has key slots. Each holds the store's secrets, or a writer's part of them, sealed under a passphrase, a key file or the recovery key. Slots come and go without rewriting data.",
      "`key add` makes a slot for a new passphrase, which is asked for twice; with --out for a random key, which goes to a new file of mode 0600. --role owner (the default) may do everything; --role writer may append and deduplicate, and can neither read snapshots nor delete.",
      "`key list` shows the slots, and marks the one in use: the one that opened the store for this command. `key passwd` replaces the slot in use by one with a new passphrase. `key recovery` makes a new recovery key, and shows it once or writes it to the file of --out; older recovery keys stay valid until they are removed.",
      "`key remove` shows which slot it would delete, and deletes it with --apply. This cannot be undone. SLOT is the beginning of a slot's id. It may be damaged (`key list` and `holdfast check` name such slots) or one that this user cannot read. The last owner key cannot be removed.",
      "`holdfast maintenance` needs no key: a writer's key cannot delete by itself, but the credentials of the bucket decide what a host may delete there.",
      "A key that leaked stays dangerous after its slot is removed if its holder copied the slot or the store's secrets: then make a new store.",
      "The present key comes first: --keyfile, --passphrase-command and HOLDFAST_PASSPHRASE mean that one. The new passphrase is asked for on the terminal, or comes from --new-passphrase-command.",
    ],
    exits: {
      conflict: "the slot is the last of an owner, or the file of --out is there",
      absent: "there is no such store or slot",
    },
    examples: [
      {
        line: "holdfast key add --role writer --label web1 --out web1.key",
        does: "Make a key file for a host that only backs up.",
      },
      { line: "holdfast key remove --apply 705a", does: "Delete the slot whose id begins with 705a." },
      { line: "holdfast key passwd", does: "Change the passphrase." },
    ],
  },
  options: [
    {
      name: "role",
      type: "text",
      value: "ROLE",
      choices: ["owner", "writer"],
      description: "What the new key may do: owner, everything; writer, back up only.",
    },
    { name: "label", type: "text", value: "TEXT", description: "What `key list` calls the new key." },
    {
      name: "new-passphrase-command",
      type: "text",
      value: "CMD",
      description: "Run CMD in a shell and take the first line that it prints as the new passphrase.",
    },
    {
      name: "out",
      short: "o",
      type: "text",
      value: "KEYFILE",
      description:
        "Write the new key to a file (new, mode 0600): of add a random key instead of a passphrase, of recovery the recovery key.",
    },
    { name: "apply", type: "flag", description: "Delete the slot; without it `key remove` only shows it." },
  ],
  async run({ options, positionals, renderer, signal, writeBytes, secretSources, engine }) {
    const [given = "", ...rest] = positionals;
    const verb = verbs.find((word) => word === given);
    if (verb === undefined) throw unknownVerb(given);
    refuseForeignOptions(verb, options);
    const isRemove = verb === "remove";
    expectArguments("key", rest, {
      min: isRemove ? 1 : 0,
      max: isRemove ? 1 : 0,
      wanted: isRemove ? "one SLOT after remove" : `no arguments after ${verb}`,
    });
    const command = options["new-passphrase-command"];
    const sources = {
      keyfile: undefined,
      passphrase: undefined,
      passphraseCommand: command,
      terminal: secretSources.terminal,
    };
    const askNew = () => newPassphrase(sources, signal);
    const opened = await engine();
    switch (verb) {
      case "add":
        await addKey(opened, renderer, {
          role: options.role === "writer" ? "writer" : "owner",
          label: options.label ?? "",
          out: options.out,
          askNew,
        });
        break;
      case "list":
        for (const slot of await opened.keys()) showListed(renderer, slot);
        break;
      case "remove":
        await removeKey(opened, renderer, { slot: rest[0]!, apply: options.apply });
        break;
      case "recovery":
        await makeRecoveryKey(opened, renderer, new RecoveryKeyOutput({ renderer, writeBytes, signal }, options.out));
        break;
      case "passwd":
        show(renderer, "keyChanged", await opened.changePassphrase(askNew), "changed ");
        break;
    }
    return "ok";
  },
});

async function addKey(
  engine: Engine,
  renderer: Renderer,
  request: Omit<AddKeyRequest, "newPassphrase"> & {
    readonly out: string | undefined;
    readonly askNew: AskNewPassphrase;
  },
): Promise<void> {
  const { role, label, out, askNew } = request;
  const { slot, keyfile } = await engine.addKey({ role, label, newPassphrase: out === undefined ? askNew : undefined });
  if (out !== undefined && keyfile !== undefined) {
    try {
      await writePrivateFile(absolutePath(out), keyfile, "refuse");
    } catch (error) {
      await engine.removeKey(slot.slotId);
      throw error;
    }
  }
  show(renderer, "keyAdded", slot, "added ");
}

function show(renderer: Renderer, event: string, slot: KeySummary, verb: string): void {
  renderer.result(event, slot, `${verb}${slotText(slot)}`);
}

function slotText(slot: KeySummary | DamagedKey | UnreadableKey): string {
  if ("unreadable" in slot) return `${displayText(slot.slotId)}  unreadable`;
  if ("damaged" in slot) return `${displayText(slot.slotId)}  damaged`;
  const label = slot.label === "" ? "" : `  ${displayText(slot.label)}`;
  const mark = slot.current ? "  (in use)" : "";
  return `${slot.slotId}  ${slot.role.padEnd(6)}  ${slot.form.padEnd(10)}  ${formatTime(slot.createdMs)}${label}${mark}`;
}

function showListed(renderer: Renderer, slot: KeySummary | UnreadableKey): void {
  if ("unreadable" in slot) renderer.result("key", slot, `${slotText(slot)}  ${displayText(slot.reason)}`);
  else show(renderer, "key", slot, "");
}

async function removeKey(
  engine: Engine,
  renderer: Renderer,
  { slot, apply }: { readonly slot: string; readonly apply: boolean },
): Promise<void> {
  const found = apply ? await engine.removeKey(slot) : await engine.keyToRemove(slot);
  const text = `${apply ? "removed" : "would remove"} ${slotText(found)}`;
  if (apply) renderer.result("keyRemoved", found, text);
  else renderer.result("wouldRemoveKey", found, text);
  if ("current" in found && found.current) {
    renderer.notice({
      level: "warning",
      message: apply
        ? "The slot in use was removed: the key of this command no longer opens the store."
        : "This is the slot in use: without it the key of this command no longer opens the store.",
    });
  }
  if (!apply) {
    renderer.notice({
      level: "info",
      message: "Nothing was changed. Add --apply to delete the slot; that cannot be undone.",
    });
  }
}

async function makeRecoveryKey(engine: Engine, renderer: Renderer, output: RecoveryKeyOutput): Promise<void> {
  try {
    show(renderer, "keyAdded", await engine.addRecoveryKey(output.keep), "added ");
    output.warnIfUnseen();
  } catch (error) {
    output.tellFailure("`holdfast key list` shows a new slot", "No recovery key was made: it could not be shown.");
    throw error;
  }
}

/** What each option belongs to, and what it would mean elsewhere. */
const optionVerbs = {
  role: ["add"],
  label: ["add"],
  out: ["add", "recovery"],
  "new-passphrase-command": ["add", "passwd"],
  apply: ["remove"],
} as const satisfies Record<string, readonly Verb[]>;

/** @throws {HoldfastError} invalid: an option that the verb does not take */
function refuseForeignOptions(verb: Verb, options: { readonly [Name in keyof typeof optionVerbs]: unknown }): void {
  for (const [name, takers] of Object.entries(optionVerbs)) {
    const value = options[name as keyof typeof optionVerbs];
    if (value === undefined || value === false || (takers as readonly Verb[]).includes(verb)) continue;
    throw new HoldfastError(
      "invalid",
      `Cannot use --${name} with key ${verb}: it belongs to key ${takers.join(" and key ")}`,
    );
  }
  if (options["new-passphrase-command"] !== undefined && options.out !== undefined)
    throw new HoldfastError("invalid", "Cannot use --new-passphrase-command with --out: the new key is a file");
}

function unknownVerb(given: string): HoldfastError {
  const near = nearestName(given, verbs);
  const message =
    given === ""
      ? `Cannot run key: it needs a subcommand: ${verbs.join(", ")}`
      : `Cannot run key ${given}: there is no such subcommand`;
  return new HoldfastError("invalid", message, {
    hint: near ? `Did you mean \`holdfast key ${near}\`?` : `Use one of: ${verbs.join(", ")}.`,
  });
}
