import { open } from "node:fs/promises";
import { join } from "node:path";
import { createSigner, type Signer, signingSeedBytes } from "#shared/crypto/signing.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { systemRandom, type Random } from "#shared/random.ts";
import { privateDirectory } from "./private-directory.ts";
import { writePrivateFile } from "./write-private-file.ts";

/**
 * Who this agent is: the Ed25519 pair with which it signs its states. Its seed is kept in `dataDirectory`/agent-identity
 * (32 raw bytes, mode 0600), made on first use. Of processes that make it at once one wins, and all use what is there then.
 *
 * @throws {HoldfastError} denied: the file is readable by others or not by us, or may not be made
 * @throws {HoldfastError} unavailable: the disk is full or read-only, or there can be no such directory
 * @throws {HoldfastError} corrupt: the file is not a seed
 */
export async function agentIdentity(dataDirectory: string, random: Random = systemRandom): Promise<Signer> {
  try {
    return await keptIdentity(dataDirectory, random);
  } catch (error) {
    if (!isHoldfastError(error) || error.hint !== undefined) throw error;
    // What is not there is neither a store nor a snapshot.
    const kind = error.kind === "absent" ? "unavailable" : error.kind;
    throw new HoldfastError(kind, `Cannot keep the agent's identity: ${error.message}`, {
      detail: error.detail,
      hint: "Set XDG_DATA_HOME to a directory that this user can write to: what this host writes is signed, by a key that is kept there.",
      cause: error,
    });
  }
}

async function keptIdentity(dataDirectory: string, random: Random): Promise<Signer> {
  const path = join(await privateDirectory(dataDirectory), "agent-identity");
  let seed = await readSeed(path);
  if (seed === undefined) {
    try {
      await writePrivateFile(path, random(signingSeedBytes), "refuse");
    } catch (error) {
      if (!isHoldfastError(error, "conflict")) throw error;
    }
    seed = await readSeed(path);
  }
  if (seed === undefined)
    throw new HoldfastError("unavailable", `Cannot keep the agent's identity: ${path} disappears`);
  return createSigner(seed);
}

async function readSeed(path: string): Promise<Uint8Array | undefined> {
  let file;
  try {
    file = await open(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new HoldfastError("denied", `Cannot read the agent's identity ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  try {
    const { mode } = await file.stat();
    if ((mode & 0o077) !== 0) {
      throw new HoldfastError("denied", `Cannot trust the agent's identity ${path}: others may read or change it`, {
        hint: `Run chmod 600 ${path} if nobody else has seen it; else delete it, and the agent makes a new one.`,
      });
    }
    const seed = await file.readFile();
    if (seed.length !== signingSeedBytes) {
      throw new HoldfastError(
        "corrupt",
        `Cannot use the agent's identity ${path}: ${seed.length} bytes where 32 belong`,
        {
          hint: "Delete the file; the agent makes a new identity.",
        },
      );
    }
    return new Uint8Array(seed);
  } finally {
    await file.close();
  }
}
