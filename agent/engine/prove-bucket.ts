import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { replacePrivateFile } from "#agent/config/replace-private-file.ts";
import { makePath } from "#agent/filesystem/make-path.ts";
import { isHoldfastError } from "#shared/errors.ts";
import { systemRandom } from "#shared/random.ts";
import { requireOneCreator } from "#shared/store/require-one-creator.ts";
import type { Store } from "#shared/store/store.ts";
import type { EngineParts } from "./engine-parts.ts";

/**
 * Makes sure, before this client writes to a bucket for the first time, that it takes each object once, and remembers that. Where the credentials do not allow to try it, it is told
 * and done without.
 *
 * @param store - the store of `parts`, with retries
 * @throws {HoldfastError} incompatible: it does not
 */
export async function proveBucket({ bucket, directories, reporter }: EngineParts, store: Store): Promise<void> {
  if (bucket === undefined) return;
  const directory = join(directories.data, "proved-buckets");
  const path = join(directory, createHash("sha256").update(bucket).digest("hex").slice(0, 32));
  if (existsSync(path)) return;
  try {
    await requireOneCreator(store, systemRandom);
  } catch (error) {
    if (!isHoldfastError(error, "denied")) throw error;
    const message = `Cannot try whether ${store.description} refuses to replace objects: ${error.message}`;
    reporter.notice({ level: "warning", message });
    return;
  }
  try {
    makePath(Buffer.from(directory, "utf8").toString("latin1"), 0o700);
    replacePrivateFile(path, `${bucket}\n`);
  } catch {
    // It is tried again by the next run.
  }
}
