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

const verbs = ["add", "list", "remove", "passwd"] as const;

/** `holdfast key`: manages the keys of a store. */
export const key = defineCommand({
  name: "key",
  summary: "add, list, remove and change keys of the store",
  synopsis: ["add [options]", "list", "remove SLOT", "passwd"],
  manual: {
    description: [
      "A store has key slots. Each holds the store's secrets, or a writer's part of them, sealed under a passphrase, a key file or the recovery key. Slots come and go without rewriting data.",
      "`key add` makes a slot for a new passphrase, which is asked for twice; with --out for a random key, which goes to a new file of mode 0600. --role owner (the default) may do everything; --role writer may append and deduplicate, and can neither read snapshots nor delete.",
      "`key list` shows the slots, and marks the one that was used. `key remove` deletes a slot, given by the beginning of its id; one that is damaged, too, which `key list` and `holdfast check` name, and one that this user cannot read. The last slot of an owner stays. `key passwd` replaces the slot that was used by one with a new passphrase.",
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
      description: "Make a key file instead of asking for a passphrase.",
    },
  ],
  async run({ options, positionals, renderer, signal, secretSources, engine }) {
    const [given = "", ...rest] = positionals;
    const verb = verbs.find((word) => word === given);
    if (verb === undefined) throw unknownVerb(given);
    const addOptions = [options.role, options.label, options.out];
    if (verb !== "add" && addOptions.some((value) => value !== undefined)) {
      throw new HoldfastError(
        "invalid",
        `Cannot use --role, --label or --out with key ${verb}: they belong to key add`,
      );
    }
    const isRemove = verb === "remove";
    expectArguments("key", rest, {
      min: isRemove ? 1 : 0,
      max: isRemove ? 1 : 0,
      wanted: isRemove ? "one SLOT after remove" : `nothing after ${verb}`,
    });
    const command = options["new-passphrase-command"];
    if (command !== undefined && (options.out !== undefined || verb === "list" || verb === "remove")) {
      throw new HoldfastError("invalid", "Cannot use --new-passphrase-command: no new passphrase is wanted here");
    }
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
        showRemoved(renderer, await opened.removeKey(rest[0]!));
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
  const label = slot.label === "" ? "" : `  ${displayText(slot.label)}`;
  const mark = slot.current ? "  (in use)" : "";
  const text = `${verb}${slot.slotId}  ${slot.role.padEnd(6)}  ${slot.form.padEnd(10)}  ${formatTime(slot.createdMs)}${label}${mark}`;
  renderer.result(event, slot, text);
}

function showListed(renderer: Renderer, slot: KeySummary | UnreadableKey): void {
  if ("unreadable" in slot)
    renderer.result("key", slot, `${displayText(slot.slotId)}  unreadable  ${displayText(slot.reason)}`);
  else show(renderer, "key", slot, "");
}

function showRemoved(renderer: Renderer, slot: KeySummary | DamagedKey | UnreadableKey): void {
  if ("unreadable" in slot) renderer.result("keyRemoved", slot, `removed ${displayText(slot.slotId)}  unreadable`);
  else if ("damaged" in slot) renderer.result("keyRemoved", slot, `removed ${displayText(slot.slotId)}  damaged`);
  else show(renderer, "keyRemoved", slot, "removed ");
}

function unknownVerb(given: string): HoldfastError {
  const near = nearestName(given, verbs);
  const message = given === "" ? "Cannot run key: it takes a verb" : `Cannot run key ${given}: there is no such verb`;
  return new HoldfastError("invalid", message, {
    hint: near ? `Did you mean \`holdfast key ${near}\`?` : `Use one of: ${verbs.join(", ")}.`,
  });
}
