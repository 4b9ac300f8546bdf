import type { ContentReader, SeenFile } from "#shared/connectors/content-reader.ts";
import { HoldfastError } from "#shared/errors.ts";

/** How reading one scripted file goes. */
export type ScriptedContent = {
  readonly content: Uint8Array;
  /** Step that fails. */
  readonly fails?: "open" | "read" | "close";
  /** Bytes that are read before it ends early. */
  readonly endsAt?: number;
  /** Whether it is found changed when it is closed. */
  readonly changes?: boolean;
  readonly extents?: readonly number[];
  /** Value of its one extended attribute; an attribute of a byte if there is none. */
  readonly xattr?: Uint8Array;
};

/** Makes a reader of files that a test wrote down. `options` is a map of paths to contents. */
export function createContentReader(options: unknown): ContentReader {
  return new ScriptedReader(options as ReadonlyMap<string, ScriptedContent>);
}

class ScriptedReader implements ContentReader {
  readonly #files: ReadonlyMap<string, ScriptedContent>;
  #file: ScriptedContent = { content: new Uint8Array(0) };
  #at = 0;
  extents: readonly number[] | undefined;
  contentBytes = 0;

  constructor(files: ReadonlyMap<string, ScriptedContent>) {
    this.#files = files;
  }

  open(seen: SeenFile): void {
    const file = this.#files.get(seen.path);
    if (file === undefined || file.fails === "open")
      throw new HoldfastError("denied", "Cannot open the file", { detail: { errno: "EACCES" } });
    this.#file = file;
    this.#at = 0;
    this.extents = file.extents;
    this.contentBytes = file.content.byteLength;
  }

  read(into: Uint8Array): number {
    if (this.#file.fails === "read" && this.#at > 0)
      throw new HoldfastError("unavailable", "Cannot read the file", { detail: { errno: "EIO" } });
    const end = Math.min(this.#at + into.byteLength, this.#file.endsAt ?? this.#file.content.byteLength);
    const part = this.#file.content.subarray(this.#at, end);
    into.set(part);
    this.#at = end;
    return part.byteLength;
  }

  details() {
    return { xattrs: [["user.scripted", this.#file.xattr ?? new Uint8Array([1])]] as const, flags: 0, problems: [] };
  }

  close(): boolean {
    if (this.#file.fails === "close")
      throw new HoldfastError("unavailable", "Cannot look at the file", { detail: { errno: "ESTALE" } });
    return this.#file.changes === true;
  }

  endBatch(): void {}
}
