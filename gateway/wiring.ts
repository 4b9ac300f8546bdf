import { readFile } from "node:fs/promises";
import { systemClock } from "#shared/clock.ts";
import { decodeRecoveryKey } from "#shared/crypto/recovery-key.ts";
import { createSigner, signingSeedBytes } from "#shared/crypto/signing.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { systemRandom } from "#shared/random.ts";
import type { SlotSecret } from "#shared/repository/key-slots.ts";
import { openBundle, openRepository, readConfig } from "#shared/repository/open-repository.ts";
import { openStore } from "#shared/store/open-store.ts";
import { proxyVariablesOf } from "#shared/store/proxy-variables.ts";
import { retryingStore } from "#shared/store/retrying-store.ts";
import { parseStoreLocation } from "#shared/store/store-location.ts";
import { FollowedStore } from "#shared/view/followed-store.ts";
import { readAccessConfig } from "./access/access-config.ts";
import { configuredAccess } from "./access/configured-access.ts";
import { mountStore } from "./access/granted-mount.ts";
import { gatewayApp, type GatewayAppOptions } from "./app.ts";
import { httpProtocol } from "./http/http-protocol.ts";
import { type Protocol, protocolPrefixes } from "./protocol.ts";
import { s3Protocol } from "./s3/s3-protocol.ts";
import { webdavProtocol } from "./webdav/webdav-protocol.ts";

/** The protocols that a function may speak: those that need nothing kept between requests. */
const protocols: Readonly<Record<string, Protocol>> = { http: httpProtocol, webdav: webdavProtocol, s3: s3Protocol };

/**
 * The gateway of a function, by its environment; secrets are taken out of it.
 *
 * | variable | what |
 * |---|---|
 * | HOLDFAST_STORE | the store: `s3://BUCKET/PREFIX?region=…` |
 * | HOLDFAST_RETRY_SECONDS | for how long a store that does not answer is tried again. Default 10 |
 * | HTTPS_PROXY, HTTP_PROXY, NO_PROXY | proxies on the way to the store |
 * | HOLDFAST_KEY_FILE or HOLDFAST_KEY | a file with the key (a key file, a recovery key, a passphrase), or its text |
 * | HOLDFAST_MOUNT_ACCESS_FILE or HOLDFAST_MOUNT_ACCESS | who may see what: a file, or its text, as `holdfast mount --access` reads it |
 * | HOLDFAST_MOUNT_PROTOCOLS | `http`, `webdav` and `s3`, joined by commas; one is at `/`, several as with `holdfast mount`. Default `http` |
 *
 * @throws {HoldfastError} invalid or denied: something is missing; and what opening a store throws
 */
export async function functionGateway(
  tell: Pick<GatewayAppOptions, "onAccess" | "onFault">,
  variables: NodeJS.ProcessEnv = process.env,
): Promise<ReturnType<typeof gatewayApp>> {
  const location = variables["HOLDFAST_STORE"];
  if (location === undefined || location === "") throw new HoldfastError("invalid", "HOLDFAST_STORE names no store");
  const key = await secretOf(variables, "HOLDFAST_KEY");
  const accessJson = await secretOf(variables, "HOLDFAST_MOUNT_ACCESS");
  if (accessJson === undefined) {
    throw new HoldfastError("denied", "Cannot serve: HOLDFAST_MOUNT_ACCESS names nobody, and others can reach it");
  }
  const spoken = (variables["HOLDFAST_MOUNT_PROTOCOLS"] || "http").split(",").map((name) => name.trim());
  const access = configuredAccess(readAccessConfig(accessJson, "HOLDFAST_MOUNT_ACCESS"));
  const retryForMs = retrySeconds(variables["HOLDFAST_RETRY_SECONDS"]) * 1000;
  const store = retryingStore(await openStore(parseStoreLocation(location), { proxies: proxyVariablesOf(variables) }), {
    clock: systemClock,
    random: systemRandom,
    retryForMs: () => retryForMs,
  });
  const read = await readConfig(store);
  const repository = await openRepository({
    store,
    read,
    bundle: await openBundle(store, read, () => slotSecret(key)),
    signer: createSigner(systemRandom(signingSeedBytes)), // signs nothing: it only reads
    clock: systemClock,
    random: systemRandom,
  });
  const { onFault } = tell;
  const onProblem = (problem: HoldfastError): void => onFault?.(problem);
  return gatewayApp({
    mount: mountStore(new FollowedStore(repository, { clock: systemClock, onProblem }), onProblem),
    access,
    protocols: spoken.map((name) => {
      const protocol = protocols[name];
      if (protocol === undefined) throw new HoldfastError("invalid", `Cannot serve ${JSON.stringify(name)}`);
      return { protocol, prefix: spoken.length === 1 ? "" : protocolPrefixes[protocol.name] };
    }),
    clock: systemClock,
    ...tell,
  });
}

/** Short of the time that a function has for an answer. */
const defaultRetrySeconds = 10;

function retrySeconds(text: string | undefined): number {
  if (text === undefined || text === "") return defaultRetrySeconds;
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new HoldfastError("invalid", "HOLDFAST_RETRY_SECONDS is not a whole number of seconds");
}

/** The text of a variable, or of the file that `NAME_FILE` names. The text is taken out of the environment. */
async function secretOf(variables: NodeJS.ProcessEnv, name: string): Promise<string | undefined> {
  const text = variables[name];
  delete variables[name];
  const file = variables[`${name}_FILE`];
  if (file === undefined || file === "") return text === "" ? undefined : text;
  try {
    return (await readFile(file, "utf8")).replace(/\r?\n$/, "");
  } catch (cause) {
    throw new HoldfastError("absent", `Cannot read ${file}, which ${name}_FILE names`, { cause });
  }
}

async function slotSecret(key: string | undefined): Promise<SlotSecret> {
  if (key === undefined) {
    throw new HoldfastError("denied", "Cannot open the store: neither HOLDFAST_KEY nor HOLDFAST_KEY_FILE gives a key");
  }
  try {
    return { kind: "random", secret: decodeRecoveryKey(key) };
  } catch (error) {
    if (isHoldfastError(error, "invalid", "incompatible")) return { kind: "passphrase", passphrase: key };
    throw error;
  }
}
