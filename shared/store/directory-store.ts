import { createHash } from "node:crypto";
import { link, lstat, open, stat, unlink } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { HoldfastError } from "#shared/errors.ts";
import type { Random } from "#shared/random.ts";
import { systemRandom } from "#shared/random.ts";
import { fileSystemNowMs, removeAbandonedFiles } from "./abandoned-files.ts";
import { requireByteRange } from "./byte-range.ts";
import { listDirectory } from "./directory-listing.ts";
import { makeDurableDirectory, syncDirectory } from "./durable-directory.ts";
import { fileSystemCode, fileSystemError } from "./file-system-error.ts";
import { unfilledBytes } from "./joined-bytes.ts";
import { alreadyThere, bodyDiffersFromSha256, noSuchObject, outsideObject } from "./object-error.ts";
import { configKey, requireKeyPrefix, requireObjectKey } from "./object-key.ts";
import { RootWatch } from "./root-watch.ts";
import { SpaceReserve } from "./space-reserve.ts";
import { privateModes, type StoreModes, storeModes } from "./store-modes.ts";
import type { Store } from "./store.ts";
import { writeWhole } from "./whole-write.ts";

/** Options of `directoryStore`. */
export type DirectoryStoreOptions = {
  /** "synced" (default): what `put` wrote survives a power cut. "unsynced": it may not; only for caches that verify what they read. */
  readonly durability?: "synced" | "unsynced";
  readonly random?: Random;
  /** Whether some space is kept back, for what `PutOptions.mayUseReserve` says. Default: none is. */
  readonly hasReserve?: boolean;
};

/** The most bytes that one read(2) is asked for. */
const readLimitBytes = 1 << 30;
/** How many directories are remembered as made and durable; then the memory starts anew. */
const rememberedDirectories = 4096;
/** Temporary files that nobody wrote to for so long are removed by the first put. */
const abandonedAfterMs = 7 * 24 * 3600 * 1000;

/**
 * A store in a directory: one file per object, named by its key.
 *
 * `put` writes and syncs `<root>/tmp/<random>`, then gives it its name by link(2), which fails with EEXIST if the name is taken:
 * that decides races, between processes too, and readers see whole objects only. The directory is synced before `put` returns;
 * also before it reports a conflict, so that what a loser relies on is as durable as what it would have written.
 * Files have mode 0600, directories 0700, unless the store is shared with a group (`storeModes`). A crash leaves at most a file in `tmp/`, which no reader looks at.
 *
 * File systems without hard links (exFAT, some FUSE ones) are refused with `incompatible`. Creating the final name with O_EXCL
 * would arbitrate, but shows the object before it is whole; creating a claim with O_EXCL and renaming the object over it
 * leaves, after a crash in between, a name that nobody may ever use or free, and the log would stop there.
 *
 * A root that was met and is gone later, or another directory (a disk that was unmounted), is `unavailable` in every method: it is never made
 * again, and what is missing in it is never `absent`.
 *
 * @param rootPath - path of the directory; `put` creates it, unless it was met before
 */
export function directoryStore(rootPath: string, options: DirectoryStoreOptions = {}): Store {
  const { durability = "synced", random = systemRandom, hasReserve = false } = options;
  const root = normalizedRoot(rootPath);
  const temporaries = join(root, "tmp");
  const watch = new RootWatch(root);
  // No key has such a name: whoever lists the store passes over it.
  const reserve = new SpaceReserve(join(root, "reserve~"), random);
  let hasChanged = false;
  let modes: Promise<StoreModes> | undefined;
  const madeDirectories = new Map<string, Promise<void>>();

  const pathOf = (key: string): string => {
    requireObjectKey(key);
    return `${root}/${key}`;
  };

  const makeDirectory = (path: string): Promise<void> => {
    const known = madeDirectories.get(path);
    if (known !== undefined) return known;
    if (madeDirectories.size >= rememberedDirectories) madeDirectories.clear();
    const making = (async () => {
      if (path === root) {
        if (await watch.isMet()) await watch.require();
        else await makeDurableDirectory(root, { syncWhenThere: false, parents: true });
        await watch.meet();
      } else {
        await makeDirectory(dirname(path));
        // Of what is in tmp/ nothing need survive, and so not its name either.
        const syncWhenThere = durability === "synced" && path !== temporaries;
        const { directory: mode } = await modesOf();
        await makeDurableDirectory(path, { syncWhenThere, parents: false, mode });
        if (path === temporaries) await removeAbandonedFiles(temporaries, { ageMs: abandonedAfterMs, random });
      }
    })();
    madeDirectories.set(path, making);
    making.catch(() => madeDirectories.delete(path));
    return making;
  };

  /** Learned once the root is there. */
  const modesOf = (): Promise<StoreModes> => (modes ??= storeModes(root));

  const syncName = async (path: string): Promise<void> => {
    if (durability === "synced") await syncDirectory(dirname(path));
  };

  const refuseTakenName = async (key: string, path: string): Promise<never> => {
    if ((await stat(path)).isDirectory()) {
      throw new HoldfastError("invalid", `Cannot create ${key}: it is a folder of other objects`, { detail: { key } });
    }
    await syncName(path);
    throw alreadyThere(key);
  };

  const writeTemporary = async (key: string, body: readonly Uint8Array[], sha256?: Uint8Array): Promise<string> => {
    const path = join(temporaries, Buffer.from(random(16)).toString("hex"));
    const hash = sha256 === undefined ? undefined : createHash("sha256");
    await makeDirectory(temporaries);
    const { file: mode } = await modesOf();
    const file = await open(path, "wx", mode).catch(async (error: unknown) => {
      if (fileSystemCode(error) !== "ENOENT") throw error;
      madeDirectories.clear(); // someone removed tmp/ behind our back
      await makeDirectory(temporaries);
      return open(path, "wx", mode);
    });
    try {
      try {
        if (mode !== privateModes.file) await file.chmod(mode); // the umask may be stricter
        await writeWhole(file, body, hash);
        if (hash !== undefined && sha256 !== undefined && !hash.digest().equals(sha256))
          throw bodyDiffersFromSha256(key);
        if (durability === "synced") await file.sync();
      } finally {
        await file.close();
      }
    } catch (error) {
      await discard(path);
      throw error;
    }
    return path;
  };

  const linkInto = async (key: string, temporary: string, path: string): Promise<void> => {
    for (let attempt = 1; ; attempt++) {
      try {
        await makeDirectory(dirname(path));
        await link(temporary, path);
        return;
      } catch (error) {
        const code = fileSystemCode(error);
        if (code === "EEXIST") return refuseTakenName(key, path);
        if (code === "ENOTDIR") {
          throw new HoldfastError("invalid", `Cannot create ${key}: a folder of it is an object`, { detail: { key } });
        }
        if (code === "ENOENT" && attempt === 1) madeDirectories.clear(); // someone removed the directory behind our back
        else if (code === "ENOENT") {
          throw new HoldfastError("unavailable", `Cannot create ${key}: its temporary file vanished`, {
            detail: { key, brief: true },
            cause: error,
          });
        } else if (await lacksHardLinks(code, temporary)) throw noHardLinks(root, error);
        else throw error;
      }
    }
  };

  /** What is to be told of a failure: that the root is gone, where it is. */
  const gone = async (error: unknown, otherwise: HoldfastError): Promise<unknown> =>
    error instanceof HoldfastError && error.kind !== "absent"
      ? error
      : watch.require().then(
          () => otherwise,
          (failure: unknown) => failure,
        );

  const create = async (key: string, body: readonly Uint8Array[], sha256: Uint8Array | undefined): Promise<void> => {
    const path = pathOf(key);
    try {
      if (await isThere(path)) await refuseTakenName(key, path);
      // Made, and made durable, beside the writing; a failure is met by linkInto, which tries again.
      const making = makeDirectory(dirname(path)).catch(() => undefined);
      const [temporary] = await Promise.all([writeTemporary(key, body, sha256), making]);
      try {
        await linkInto(key, temporary, path);
      } catch (error) {
        await discard(temporary);
        throw error;
      }
      await Promise.all([syncName(path), discard(temporary)]);
      await watch.require();
      watch.see(path);
    } catch (error) {
      throw await gone(error, fileSystemError(error, `create ${key} in ${root}`));
    }
  };

  return {
    description: root,

    async put(key, body, putOptions) {
      hasChanged = true;
      for (;;) {
        try {
          return await create(key, body, putOptions?.sha256);
        } catch (error) {
          if (putOptions?.mayUseReserve !== true || !isFull(error) || !(await reserve.spend())) throw error;
        }
      }
    },

    async get(key, range) {
      const path = pathOf(key);
      if (range !== undefined) requireByteRange(range);
      try {
        await watch.meet();
        const file = await open(path, "r");
        try {
          const status = range === undefined ? await file.stat() : undefined;
          if (status?.isDirectory() === true) throw noSuchObject(key);
          const wanted = range ?? { offsetBytes: 0, lengthBytes: status?.size ?? 0 };
          const bytes = unfilledBytes(wanted.lengthBytes);
          for (let done = 0; done < bytes.byteLength;) {
            const length = Math.min(bytes.byteLength - done, readLimitBytes);
            const { bytesRead } = await file.read(bytes, done, length, wanted.offsetBytes + done);
            if (bytesRead === 0) throw outsideObject(key, wanted);
            done += bytesRead;
          }
          watch.see(path);
          return bytes;
        } finally {
          await file.close();
        }
      } catch (error) {
        throw await gone(error, readError(error, key, root));
      }
    },

    async head(key) {
      const path = pathOf(key);
      try {
        await watch.meet();
        const status = await stat(path);
        if (!status.isFile()) throw noSuchObject(key);
        watch.see(path);
        return { sizeBytes: status.size };
      } catch (error) {
        throw await gone(error, readError(error, key, root));
      }
    },

    async *list(prefix, listOptions) {
      requireKeyPrefix(prefix);
      try {
        await watch.meet();
        await watch.require();
        await stat(root);
      } catch (error) {
        throw fileSystemError(error, `list ${root}`);
      }
      yield* listDirectory(root, prefix, listOptions?.after ?? "");
      await watch.require();
    },

    async delete(key) {
      const path = pathOf(key);
      hasChanged = true;
      try {
        await watch.meet();
        await unlink(path);
        await syncName(path);
      } catch (error) {
        const code = fileSystemCode(error);
        if (code === "ENOENT" || code === "ENOTDIR") return watch.require();
        if ((code === "EISDIR" || code === "EPERM") && (await isDirectory(path))) return;
        throw fileSystemError(error, `delete ${key} from ${root}`);
      }
    },

    async clockMs() {
      await watch.meet();
      await watch.require();
      try {
        await makeDirectory(temporaries);
      } catch (error) {
        if (fileSystemCode(error) === undefined) throw error;
        return undefined;
      }
      return fileSystemNowMs(temporaries, random);
    },

    async close() {
      madeDirectories.clear();
      // Never in a directory that is no store, or is not the one that was written to.
      const isStore = hasReserve && hasChanged && (await isThere(`${root}/${configKey}`).catch(() => false));
      if (isStore)
        await watch.require().then(
          async () => reserve.refill(await modesOf()),
          () => undefined,
        );
    },
  };
}

/** Whether a write failed for want of space, inodes or quota. */
function isFull(error: unknown): boolean {
  return error instanceof HoldfastError && ["ENOSPC", "EDQUOT"].includes(String(error.detail["code"]));
}

function normalizedRoot(path: string): string {
  if (path === "" || path.includes("\0"))
    throw new HoldfastError("invalid", "Cannot open a store: its path is empty or has a NUL");
  const normal = normalize(path);
  return normal.length > 1 && /[\\/]$/.test(normal) ? normal.slice(0, -1) : normal;
}

/** Removes a temporary file. Left behind it would only cost space, so a failure must not hide the outcome of the put. */
async function discard(path: string): Promise<void> {
  await unlink(path).catch(() => undefined);
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    const code = fileSystemCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw error;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return lstat(path).then(
    (status) => status.isDirectory(),
    () => false,
  );
}

/** Whether link(2) failed for want of hard links: EPERM alone may also be a matter of rights, so a second name in `tmp/` is tried. */
async function lacksHardLinks(code: string | undefined, temporary: string): Promise<boolean> {
  if (code === "ENOTSUP" || code === "EOPNOTSUPP" || code === "ENOSYS") return true;
  if (code !== "EPERM") return false;
  try {
    await link(temporary, `${temporary}.link`);
    await unlink(`${temporary}.link`);
    return false;
  } catch {
    return true;
  }
}

function noHardLinks(root: string, cause: unknown): HoldfastError {
  return new HoldfastError("incompatible", `Cannot write to ${root}: its file system has no hard links`, {
    hint: "Keep the store on a file system with hard links, such as ext4, XFS, Btrfs, ZFS, APFS, NTFS or NFS.",
    cause,
  });
}

function readError(error: unknown, key: string, root: string): HoldfastError {
  const code = fileSystemCode(error);
  if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return noSuchObject(key, error);
  return fileSystemError(error, `read ${key} from ${root}`);
}
