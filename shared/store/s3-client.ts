import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { S3Client, S3ClientConfig } from "@aws-sdk/client-s3";
import { HoldfastError } from "#shared/errors.ts";
import { proxyAgentVariables, type ProxyVariables } from "./proxy-variables.ts";

/** Options of `openS3Store`. */
export type S3StoreOptions = {
  readonly bucket: string;
  /** What all keys of the store begin with, without a `/` at either end; none by default. */
  readonly prefix?: string;
  /** `http://` or `https://` URL of a server other than AWS. */
  readonly endpoint?: string;
  /** Default: `us-east-1` with an endpoint, else what the SDK's default chain finds. */
  readonly region?: string;
  /** Bucket in the path instead of the host name. Default: true with an endpoint. */
  readonly pathStyle?: boolean;
  /** The storage class of packs; everything else is small and often read, and keeps the bucket's default. */
  readonly storageClass?: string;
  /** A profile of the AWS configuration files. */
  readonly profile?: string;
  /** Default: the SDK's default chain (environment, profile, SSO, web identity, container, instance). */
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  /** Proxies by the names of the environment, as `proxyAgentVariables` takes them; none by default. */
  readonly proxies?: ProxyVariables;
  /** How many connections are used at once; further requests wait. Default 64. */
  readonly maxSockets?: number;
  /** How long connecting may take. Default 10 s. */
  readonly connectTimeoutMs?: number;
  /** How long a connection in use may be silent. Default 60 s. */
  readonly idleTimeoutMs?: number;
};

/** How many connections are used at once where nothing else is said. */
export const defaultMaxSockets = 64;

/**
 * A client of the SDK that tries once, sends bodies plain, and signs the SHA-256 that a put states.
 *
 * @throws {HoldfastError} invalid: a proxy's address cannot be read
 */
export function s3Client(sdk: { readonly S3Client: typeof S3Client }, options: S3StoreOptions): S3Client {
  return signingGivenHashes(new sdk.S3Client(clientConfig(options)));
}

function clientConfig(options: S3StoreOptions): S3ClientConfig & { readonly ignoreCache: true } {
  const { endpoint, profile, credentials } = options;
  const region = options.region ?? (endpoint === undefined ? undefined : "us-east-1");
  const agent = agentsOf(options);
  return {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(profile === undefined ? {} : { profile }),
    ...(credentials === undefined ? {} : { credentials }),
    forcePathStyle: options.pathStyle ?? endpoint !== undefined,
    // The SDK's own memory of configuration files would hide credentials that were renewed in them.
    ignoreCache: true,
    // Else it writes to the console: what is wrong is told by errors.
    logger: silentLogger,
    maxAttempts: 1,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    // With "Expect: 100-continue" the SDK opens a connection of its own for each body.
    expectContinueHeader: false,
    requestHandler: {
      ...agent,
      connectionTimeout: options.connectTimeoutMs ?? 10_000,
      socketTimeout: options.idleTimeoutMs ?? 60_000,
    },
  };
}

const silentLogger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** Makes the signature cover the SHA-256 that a put states, instead of hashing the body once more. */
function signingGivenHashes(client: S3Client): S3Client {
  client.middlewareStack.add(
    (next) => async (args) => {
      const { input, request } = args;
      if ("ChecksumSHA256" in input && typeof input.ChecksumSHA256 === "string" && hasHeaders(request)) {
        request.headers["x-amz-content-sha256"] = Buffer.from(input.ChecksumSHA256, "base64").toString("hex");
      }
      return next(args);
    },
    { step: "build", name: "signingGivenHashes" },
  );
  return client;
}

function hasHeaders(request: unknown): request is { headers: Record<string, string> } {
  return typeof request === "object" && request !== null && "headers" in request;
}

/**
 * Connections that are kept, by way of a proxy where one is named for the server.
 *
 * @throws {HoldfastError} invalid: Node would not speak to that proxy, and would pass it by without a word
 */
function agentsOf({ maxSockets = defaultMaxSockets, proxies, endpoint = "https:" }: S3StoreOptions): {
  httpAgent: HttpAgent;
  httpsAgent: HttpsAgent;
} {
  const proxyEnv = proxies === undefined ? undefined : proxyAgentVariables(proxies);
  const name = endpoint.startsWith("http:") ? "HTTP_PROXY" : "HTTPS_PROXY";
  const proxy = proxyEnv?.[name];
  if (proxy !== undefined && (!/^https?:/i.test(proxy) || !URL.canParse(proxy))) {
    throw new HoldfastError(
      "invalid",
      `Cannot use the proxy that ${name} names: its address begins with neither http:// nor https://`,
      {
        hint: `Write ${name} as http://HOST:PORT, or unset it for this command.`,
      },
    );
  }
  const agent = { keepAlive: true, maxSockets, ...(proxyEnv === undefined ? {} : { proxyEnv }) };
  return { httpAgent: new HttpAgent(agent), httpsAgent: new HttpsAgent(agent) };
}
