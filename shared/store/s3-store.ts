import { createHash } from "node:crypto";
import type { StorageClass } from "@aws-sdk/client-s3";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { requireByteRange } from "./byte-range.ts";
import { joinedBytes } from "./joined-bytes.ts";
import { alreadyThere, noSuchObject, outsideObject } from "./object-error.ts";
import { configKey, packsPrefix, requireKeyPrefix, requireObjectKey } from "./object-key.ts";
import { dropBody, readBody } from "./s3-body.ts";
import { defaultMaxSockets, s3Client, type S3StoreOptions } from "./s3-client.ts";
import { s3Error, statusOf } from "./s3-error.ts";
import { listS3 } from "./s3-listing.ts";
import { serverClockMs } from "./s3-clock.ts";
import { renewingCredentials } from "./s3-credentials.ts";
import { explainedHead } from "./s3-head.ts";
import { slots } from "./slots.ts";
import type { ByteRange, Store } from "./store.ts";

/**
 * Opens a store in an S3 bucket. Nothing is sent before the first call.
 *
 * - Every put carries `If-None-Match: *`, its length, and its SHA-256 both as `ChecksumSHA256`, which the server keeps, and as
 *   the payload hash of the signature; either lets the server refuse a damaged body. Bodies are sent plain, never in aws-chunked
 *   framing, which some servers store as if it were content.
 * - The lengths of answers are checked; short, long and misplaced ones are errors.
 * - The SDK tries once: retrying is the business of `retryingStore`.
 * - Credentials that the server takes for expired or unknown are looked up again, once a request.
 * - A missing key looks like `denied` to credentials that may not list the bucket; that is S3's way.
 *
 * @throws {HoldfastError} invalid: an option is wrong
 */
export async function openS3Store(options: S3StoreOptions): Promise<Store> {
  const { bucket, prefix = "", maxSockets = defaultMaxSockets, endpoint } = options;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/.test(bucket)) {
    throw new HoldfastError("invalid", `Cannot open a store in the bucket "${bucket}": that is no bucket name`);
  }
  const root = prefix === "" ? "" : `${prefix}/`;
  requireKeyPrefix(root);
  // The SDK is large: whoever does not use S3 never loads it.
  const sdk = await import("@aws-sdk/client-s3");
  const packStorageClass = checkedStorageClass(options.storageClass, Object.values(sdk.StorageClass));
  const client = s3Client(sdk, options);
  const asked = renewingCredentials(client);
  // Requests wait here, not in the HTTP agent, where the time limit for connecting would run already.
  const sockets = slots(maxSockets);
  const server = endpoint ?? "Amazon S3";
  const description = `s3://${bucket}${root === "" ? "" : `/${prefix}`}`;
  const where = (key: string): { Bucket: string; Key: string } => {
    requireObjectKey(key);
    return { Bucket: bucket, Key: root + key };
  };

  const head = (target: { Bucket: string; Key: string }) =>
    asked(() => explainedHead(sdk, client, { ...target, ChecksumMode: "ENABLED" }));

  const isThere = async (key: string): Promise<boolean> => {
    try {
      await head(where(key));
      return true;
    } catch (error) {
      if (statusOf(error) === 404) return false;
      throw error;
    }
  };

  return {
    description,

    async put(key, body, putOptions) {
      const target = where(key);
      await sockets
        .run(async () => {
          const whole = body.length === 1 && body[0] !== undefined ? body[0] : joinedBytes(body);
          const sha256 = putOptions?.sha256 ?? createHash("sha256").update(whole).digest();
          const input = {
            ...target,
            Body: whole,
            ContentLength: whole.byteLength,
            ContentType: "application/octet-stream",
            ChecksumSHA256: Buffer.from(sha256).toString("base64"),
            IfNoneMatch: "*",
            ...(packStorageClass !== undefined && key.startsWith(packsPrefix)
              ? { StorageClass: packStorageClass }
              : {}),
          };
          try {
            await asked(() => client.send(new sdk.PutObjectCommand(input)));
          } catch (error) {
            const failure = s3Error(error, `create ${key} in ${description}`, server);
            if (failure.kind !== "conflict") throw failure;
            // 412 says that the object is there. 409 says that someone is creating it, and may yet fail: look.
            if (statusOf(error) === 412) throw alreadyThere(key, error);
            if (await isThere(key)) throw alreadyThere(key, error);
            throw new HoldfastError(
              "unavailable",
              `Cannot create ${key} in ${description}: someone else is creating it`,
              {
                detail: { ...failure.detail, brief: true },
                cause: error,
              },
            );
          }
        })
        .catch((error: unknown) => {
          throw s3Error(error, `create ${key} in ${description}`, server);
        });
    },

    async get(key, range) {
      const target = where(key);
      if (range !== undefined) requireByteRange(range);
      return sockets.run(async () => {
        try {
          const input = range === undefined ? target : { ...target, Range: rangeHeader(range) };
          const answer = await asked(() => client.send(new sdk.GetObjectCommand(input)));
          let lengthBytes: number;
          try {
            lengthBytes = promisedLength(key, range, answer);
          } catch (error) {
            dropBody(answer.Body);
            throw error;
          }
          return await readBody(answer.Body, lengthBytes, key);
        } catch (error) {
          throw readError(error, key, range, { description, server });
        }
      });
    },

    async head(key) {
      const target = where(key);
      return sockets.run(async () => {
        try {
          const answer = await head(target);
          if (answer.ContentLength === undefined) throw noLength(key);
          const sha256 = wholeObjectSha256(answer.ChecksumSHA256, answer.ChecksumType);
          return sha256 === undefined
            ? { sizeBytes: answer.ContentLength }
            : { sizeBytes: answer.ContentLength, sha256 };
        } catch (error) {
          throw readError(error, key, undefined, { description, server });
        }
      });
    },

    list(listPrefix, listOptions) {
      return listS3({
        root,
        prefix: listPrefix,
        after: listOptions?.after ?? "",
        description,
        server,
        page(position) {
          const input = { Bucket: bucket, Prefix: root + listPrefix, EncodingType: "url" as const, ...position };
          return sockets.run(() => asked(() => client.send(new sdk.ListObjectsV2Command(input))));
        },
      });
    },

    async delete(key) {
      const target = where(key);
      await sockets.run(async () => {
        try {
          await asked(() => client.send(new sdk.DeleteObjectCommand(target)));
        } catch (error) {
          const failure = s3Error(error, `delete ${key} from ${description}`, server);
          if (failure.kind !== "absent" || failure.detail["code"] === "NoSuchBucket") throw failure;
        }
      });
    },

    clockMs: () =>
      sockets.run(async () => {
        try {
          return await serverClockMs(client, new sdk.HeadObjectCommand(where(configKey)));
        } catch (error) {
          throw s3Error(error, `ask ${description} for the time`, server);
        }
      }),

    async close() {
      client.destroy();
    },
  };
}

function checkedStorageClass(name: string | undefined, known: readonly StorageClass[]): StorageClass | undefined {
  if (name === undefined) return undefined;
  const storageClass = known.find((candidate) => candidate === name);
  if (storageClass !== undefined) return storageClass;
  throw new HoldfastError("invalid", `Cannot store packs as "${name}": that is no storage class`, {
    hint: `Use one of ${known.join(", ")}.`,
  });
}

function rangeHeader({ offsetBytes, lengthBytes }: ByteRange): string {
  return `bytes=${offsetBytes}-${offsetBytes + lengthBytes - 1}`;
}

/** How long the body of an answer to `get` must be; throws if the answer is not the one asked for. */
function promisedLength(
  key: string,
  range: ByteRange | undefined,
  answer: { readonly ContentLength?: number | undefined; readonly ContentRange?: string | undefined },
): number {
  const { ContentLength: lengthBytes, ContentRange: contentRange } = answer;
  if (lengthBytes === undefined) throw noLength(key);
  if (range === undefined) {
    if (contentRange === undefined) return lengthBytes;
    throw new HoldfastError("incompatible", `Cannot read ${key}: the server sent a part of it when asked for all`);
  }
  const first = range.offsetBytes;
  const last = first + range.lengthBytes - 1;
  if (contentRange === undefined) {
    if (first === 0 && lengthBytes === range.lengthBytes) return lengthBytes; // all of it was asked for
    throw new HoldfastError("incompatible", `Cannot read a part of ${key}: the server does not serve ranges`);
  }
  const match = /^bytes ([0-9]+)-([0-9]+)\/([0-9]+|\*)$/.exec(contentRange);
  if (match === null || Number(match[1]) !== first || Number(match[2]) > last) {
    throw new HoldfastError("incompatible", `Cannot read a part of ${key}: the server sent another one`, {
      detail: { key, contentRange },
    });
  }
  if (Number(match[2]) < last) throw outsideObject(key, range, Number(match[2]) + 1);
  if (lengthBytes !== range.lengthBytes) {
    throw new HoldfastError("unavailable", `Cannot read a part of ${key}: the server announced ${lengthBytes} bytes`, {
      detail: { key, lengthBytes, brief: true },
    });
  }
  return lengthBytes;
}

/** The 32 bytes of a checksum, if it is one of the whole object and not of the parts of a multipart upload. */
function wholeObjectSha256(base64: string | undefined, type: string | undefined): Uint8Array | undefined {
  if (base64 === undefined || (type !== undefined && type !== "FULL_OBJECT") || base64.includes("-")) return undefined;
  const sha256 = new Uint8Array(Buffer.from(base64, "base64"));
  return sha256.byteLength === 32 ? sha256 : undefined;
}

function noLength(key: string): HoldfastError {
  return new HoldfastError("incompatible", `Cannot read ${key}: the server does not tell the length of its answer`, {
    hint: "Look for a proxy in between that changes the encoding of answers.",
  });
}

function readError(
  error: unknown,
  key: string,
  range: ByteRange | undefined,
  { description, server }: { readonly description: string; readonly server: string },
): HoldfastError {
  if (isHoldfastError(error)) return error;
  const failure = s3Error(error, `read ${key} from ${description}`, server);
  if (range !== undefined && failure.kind === "corrupt" && statusOf(error) === 416) return outsideObject(key, range);
  if (failure.kind === "absent" && failure.detail["code"] !== "NoSuchBucket") return noSuchObject(key, error);
  return failure;
}
