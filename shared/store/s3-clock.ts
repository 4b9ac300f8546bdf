import type { HeadObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { statusOf } from "./s3-error.ts";

/**
 * What the clock of a server shows, by the `Date` of its answer to a request; whether the object is there makes no difference.
 *
 * @param request - sent once; not to be used again
 * @returns milliseconds since 1970 UTC, the end of the second that the header tells; undefined: the answer has no such header
 * @throws the SDK's error, where the server did not answer
 */
export async function serverClockMs(client: S3Client, request: HeadObjectCommand): Promise<number | undefined> {
  let date: string | undefined;
  request.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      date = dateOf(result.response);
      return result;
    },
    // Next to the wire: before an answer such as 404 becomes an error.
    { step: "deserialize", priority: "low", name: "readDate" },
  );
  try {
    await client.send(request);
  } catch (error) {
    if (statusOf(error) === undefined) throw error;
  }
  const timeMs = date === undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(timeMs) ? undefined : timeMs + 999;
}

function dateOf(response: unknown): string | undefined {
  if (typeof response !== "object" || response === null || !("headers" in response)) return undefined;
  const { headers } = response;
  if (typeof headers !== "object" || headers === null || !("date" in headers)) return undefined;
  return typeof headers.date === "string" ? headers.date : undefined;
}
