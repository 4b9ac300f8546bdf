import { HoldfastError } from "#shared/errors.ts";
import type { Located } from "./located.ts";
import type { View, ViewEntry } from "./view.ts";

/** A view of nothing: for who may see nothing of what is mounted. */
export class AbsentView implements View {
  stat(path: string): Promise<ViewEntry> {
    return Promise.reject(absent(path));
  }

  // oxlint-disable-next-line require-yield
  async *list(path: string): AsyncGenerator<ViewEntry> {
    throw absent(path);
  }

  // oxlint-disable-next-line require-yield
  async *below(path: string): AsyncGenerator<ViewEntry> {
    throw absent(path);
  }

  // oxlint-disable-next-line require-yield
  async *open(entry: ViewEntry): AsyncGenerator<Uint8Array> {
    throw absent(entry.path);
  }

  locate(path: string): Promise<Located> {
    return Promise.reject(absent(path));
  }

  follow(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
}

function absent(path: string): HoldfastError {
  return new HoldfastError("absent", `Cannot find ${JSON.stringify(path)}`);
}
