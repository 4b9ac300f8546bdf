import type {
  GetObjectCommand,
  HeadObjectCommand,
  HeadObjectCommandInput,
  HeadObjectCommandOutput,
  S3Client,
} from "@aws-sdk/client-s3";
import { HoldfastError } from "#shared/errors.ts";
import { dropBody } from "./s3-body.ts";
import { statusOf } from "./s3-error.ts";

type Sdk = {
  readonly HeadObjectCommand: typeof HeadObjectCommand;
  readonly GetObjectCommand: typeof GetObjectCommand;
};

/** Refusals that say all there is to say by their status. */
const clearStatus: readonly number[] = [404, 405, 408, 409, 412, 429];

/**
 * A HEAD whose refusal has a cause: the answer to a HEAD has no body, in which a server tells why, so the same is asked for by a GET of one byte.
 *
 * @throws what the SDK throws: for the GET, where the HEAD was refused
 * @throws {HoldfastError} unavailable: HEAD is refused, and GET is not
 */
export async function explainedHead(
  sdk: Sdk,
  client: S3Client,
  input: HeadObjectCommandInput,
): Promise<HeadObjectCommandOutput> {
  try {
    return await client.send(new sdk.HeadObjectCommand(input));
  } catch (error) {
    const status = statusOf(error) ?? 0;
    if (status < 300 || status >= 500 || clearStatus.includes(status)) throw error;
    await requireRefusal(sdk, client, input);
    throw new HoldfastError(
      "unavailable",
      `Cannot look at ${input.Key}: the server answered ${status} to HEAD, and serves the object to GET`,
      {
        detail: { httpStatus: status, brief: true },
        hint: "Look for a proxy in between that does not let HEAD requests pass.",
        cause: error,
      },
    );
  }
}

/** @throws what a GET of the object throws, if it does */
async function requireRefusal(sdk: Sdk, client: S3Client, { Bucket, Key }: HeadObjectCommandInput): Promise<void> {
  try {
    const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket, Key, Range: "bytes=0-0" }));
    dropBody(Body);
  } catch (error) {
    if (statusOf(error) !== 416) throw error; // an empty object has no byte
  }
}
