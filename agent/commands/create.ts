import { newPassphrase } from "#agent/config/read-secret.ts";
import { HoldfastError } from "#shared/errors.ts";
import { defineCommand } from "./command.ts";
import { expectArguments } from "./expect-arguments.ts";
import { RecoveryKeyOutput } from "./recovery-key-output.ts";

/** `holdfast create`: makes a store. */
export const create = defineCommand({
  name: "create",
  summary: "make a store",
  synopsis: ["[options]"],
  manual: {
    description: [
      "Makes an empty store at the address given by `at` or HOLDFAST_STORE: a directory, or an S3 bucket or a prefix in one. What is there already is never changed: a store at that address is an error, and so is a place that holds backup data but no `config`.",
      "The object `config` is small and never changes, and nothing can be read without it. Keep a copy of it, best beside the recovery key: put back in its place it opens the store again.",
      "A passphrase is asked for, twice; or it comes from --passphrase-command or HOLDFAST_PASSPHRASE. It protects a random master secret, so it can be changed later without rewriting data (`holdfast key passwd`).",
      "The recovery key is printed once, here, before the store is there, and kept nowhere: where it cannot be printed no store is made. It opens the store when the passphrase is lost. Write it down and keep it apart from the store. Whoever has it can read everything.",
      "With --plaintext nothing is secret: anyone who can read the store can read every file in it, every name and every snapshot, and whoever can write to it can put in whatever they like under any name. Damage is still noticed. There is no passphrase and no recovery key, and a store cannot be turned from plaintext to encrypted later.",
      "Chunk sizes and compression are fixed when the store is made. The defaults suit most uses; larger chunks make the index smaller and deduplicate less.",
    ],
    exits: { conflict: "there is a store at that address already, or what is left of one" },
    examples: [
      { line: "holdfast at /var/backups create", does: "Make a store in a directory; the passphrase is asked for." },
      {
        line: "holdfast --passphrase-command 'pass backup' at s3://bucket/hosts create --recovery-key-file recovery.txt",
        does: "Make a store in a bucket, and write the recovery key to a file instead of the screen.",
      },
    ],
  },
  options: [
    {
      name: "plaintext",
      type: "flag",
      description: "Encrypt nothing. Anyone who can read the store can read everything in it.",
    },
    { name: "chunk-min", type: "size", value: "SIZE", description: "The smallest chunk of a file, but for its last." },
    { name: "chunk-avg", type: "size", value: "SIZE", description: "The size that chunks have on average." },
    { name: "chunk-max", type: "size", value: "SIZE", description: "The largest chunk." },
    { name: "compression", type: "count", value: "LEVEL", description: "Level of zstd, 1 (fast) to 19 (small)." },
    {
      name: "grace-period",
      type: "duration",
      value: "TIME",
      description: "Keep data that no snapshot needs for at least TIME before it may be deleted.",
    },
    {
      name: "recovery-key-file",
      type: "text",
      value: "FILE",
      description:
        "Write the recovery key to FILE (new, mode 0600) instead of standard output. Where that fails no store is made.",
    },
  ],
  async run({ options, globals, positionals, renderer, signal, writeBytes, secretSources, engine }) {
    expectArguments("create", positionals, { min: 0, max: 0, wanted: "no arguments" });
    if (globals.keyfile !== undefined) {
      throw new HoldfastError(
        "invalid",
        "Cannot use --keyfile with create: it is a passphrase that opens a new store",
        {
          hint: "Make the store, and then a key file for it with `holdfast key add --out FILE`.",
        },
      );
    }
    if (options.plaintext && globals["passphrase-command"] !== undefined) {
      throw new HoldfastError("invalid", "Cannot use --passphrase-command: a store made with --plaintext has none");
    }
    const file = options["recovery-key-file"];
    if (options.plaintext && file !== undefined) {
      throw new HoldfastError("invalid", "Cannot write a recovery key: a store made with --plaintext has none");
    }
    const output = new RecoveryKeyOutput({ renderer, writeBytes, signal }, file);
    const opened = await engine();
    try {
      const { storeId } = await opened.create({
        plaintext: options.plaintext,
        chunkMinBytes: options["chunk-min"],
        chunkAvgBytes: options["chunk-avg"],
        chunkMaxBytes: options["chunk-max"],
        compressionLevel: options.compression,
        graceMs: options["grace-period"],
        newPassphrase: () => newPassphrase(secretSources, signal),
        keepRecoveryKey: output.keep,
      });
      const { plaintext } = options;
      const where = plaintext ? ", NOT encrypted" : file === undefined ? "" : `. The recovery key is in ${file}`;
      renderer.result("store", { storeId, encrypted: !plaintext, ...output.kept }, `Made store ${storeId}${where}.`);
      output.warnIfUnseen();
    } catch (error) {
      output.tellFailure("`holdfast info` finds a store", "No store was made: its recovery key could not be shown.");
      throw error;
    }
    return "ok";
  },
});
