import type { S3Client } from "@aws-sdk/client-s3";
import { codeOf } from "./s3-error.ts";

/** What a server calls credentials that were good, or will be once their new form is looked up: expired, replaced, or not known to it any more. */
const outdated =
  /^(ExpiredToken|ExpiredTokenException|TokenRefreshRequired|RequestExpired|InvalidToken|InvalidAccessKeyId|InvalidClientTokenId|UnrecognizedClientException|SignatureDoesNotMatch)$/;

/**
 * Runs requests, and runs one once more with credentials that were looked up again when the server refuses it for those that it was signed with. Many
 * requests that are refused at once share one look-up.
 *
 * @returns a function that takes a request, which can be run twice, and settles as its last run does
 */
export function renewingCredentials(client: S3Client): <T>(request: () => Promise<T>) => Promise<T> {
  let renewals = 0;
  let renewing: Promise<void> | undefined;
  const renew = async (): Promise<void> => {
    await client.config.credentials({ forceRefresh: true });
    renewals++;
  };
  return async (request) => {
    const before = renewals;
    try {
      return await request();
    } catch (error) {
      if (!isOutdated(error)) throw error;
      if (renewals === before) {
        renewing ??= renew().finally(() => (renewing = undefined));
        await renewing.catch(() => {
          throw error;
        });
      }
      return request();
    }
  };
}

/** Some servers call it a denial, and tell the cause in words only. */
function isOutdated(error: unknown): boolean {
  if (outdated.test(codeOf(error))) return true;
  return (
    codeOf(error) === "AccessDenied" &&
    error instanceof Error &&
    /\b(token|credentials?|key|request)\b.*\bexpired\b/i.test(error.message)
  );
}
