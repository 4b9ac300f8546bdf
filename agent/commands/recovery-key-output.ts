import { absolutePath } from "#agent/arguments/absolute-path.ts";
import { writePrivateFile } from "#agent/config/write-private-file.ts";
import { isDiscarded } from "#agent/render/is-discarded.ts";
import type { CommandContext } from "./command.ts";
import type { KeepRecoveryKey } from "./engine.ts";

/** Where a recovery key went. */
export type KeptRecoveryKey = { readonly recoveryKey: string } | { readonly recoveryKeyFile: string };

/** Gives a new recovery key to the person: in a new private file, or once on standard output. */
export class RecoveryKeyOutput {
  readonly #context: Pick<CommandContext<never>, "renderer" | "writeBytes" | "signal">;
  readonly #file: string | undefined;
  #kept: KeptRecoveryKey | undefined;
  #isShowing = false;

  /** @param file - as typed; undefined: standard output */
  constructor(context: Pick<CommandContext<never>, "renderer" | "writeBytes" | "signal">, file: string | undefined) {
    this.#context = context;
    this.#file = file;
  }

  get kept(): KeptRecoveryKey | undefined {
    return this.#kept;
  }

  readonly keep: KeepRecoveryKey = async (recoveryKey, storeId) => {
    const { renderer, writeBytes, signal } = this.#context;
    if (this.#file !== undefined) {
      await writePrivateFile(absolutePath(this.#file), `${recoveryKey}\n`, "refuse");
      this.#kept = { recoveryKeyFile: this.#file };
      return;
    }
    const text = `Recovery key of store ${storeId}, shown only now. Write it down and keep it apart from the store:`;
    this.#isShowing = true;
    renderer.result("recoveryKey", { storeId, recoveryKey }, `${text}\n\n  ${recoveryKey}\n`);
    await writeBytes(new Uint8Array());
    signal.throwIfAborted();
    this.#kept = { recoveryKey };
  };

  /** Warns where the key went to standard output and nobody could read it there. */
  warnIfUnseen(): void {
    if (this.#kept === undefined || !("recoveryKey" in this.#kept) || !isDiscarded(1)) return;
    this.#context.renderer.aside(
      "Nobody saw the recovery key: standard output is closed or discarded. Make another with `holdfast key recovery --out FILE`.",
    );
  }

  /** After a failure: says that a key which was given out opens nothing. @param unless - how to find out whether it does */
  tellFailure(unless: string, notShown: string): void {
    if (this.#kept !== undefined) {
      const where = this.#file === undefined ? "" : ` in ${this.#file}`;
      this.#context.renderer.aside(`The recovery key${where} opens nothing, unless ${unless}.`);
    } else if (this.#isShowing) {
      this.#context.renderer.aside(notShown);
    }
  }
}
