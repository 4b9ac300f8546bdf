import { HoldfastError } from "#shared/errors.ts";
import { isObjectKey, requireKeyPrefix } from "./object-key.ts";
import { s3Error } from "./s3-error.ts";
import type { ListedObject } from "./store.ts";

/** One page of a listing, as ListObjectsV2 answers. */
export type S3Page = {
  readonly Contents?:
    | readonly { readonly Key?: string; readonly Size?: number; readonly LastModified?: Date }[]
    | undefined;
  readonly IsTruncated?: boolean | undefined;
  readonly NextContinuationToken?: string | undefined;
  readonly EncodingType?: string | undefined;
};

/** Where a page begins. */
export type S3Position = { readonly StartAfter?: string; readonly ContinuationToken?: string };

/** Pages may have no keys of ours (deleted or foreign ones); after so many in a row the server is taken to run in circles. */
const idlePagesLimit = 10_000;

/**
 * Lists a bucket flat, page by page, in the order and within the bounds of `Store.list`.
 *
 * Keys must ascend from page to page and within each: a server that repeats, reorders or never ends is noticed, and every failure
 * of a page ends the iteration with an error. Keys that no Holdfast store uses are passed over.
 *
 * @param options.root - what all keys of the store begin with
 * @param options.server - who is asked, for errors
 * @param options.page - asks for one page
 * @throws {HoldfastError} incompatible: the server's listing is not in order, or does not end
 */
export async function* listS3(options: {
  readonly root: string;
  readonly prefix: string;
  readonly after: string;
  readonly description: string;
  readonly server: string;
  readonly page: (position: S3Position) => Promise<S3Page>;
}): AsyncIterable<ListedObject> {
  const { root, prefix, after, description, server, page } = options;
  requireKeyPrefix(prefix);
  let position: S3Position = after === "" ? {} : { StartAfter: root + after };
  let last = root + after;
  let seen = last;
  let idlePages = 0;
  for (;;) {
    let answer: S3Page;
    try {
      answer = await page(position);
    } catch (error) {
      throw s3Error(error, `list ${description}`, server);
    }
    const objects = answer.Contents ?? [];
    idlePages++;
    for (const { Key: encoded, Size: sizeBytes, LastModified: modified } of objects) {
      const full = encoded === undefined || answer.EncodingType !== "url" ? encoded : decodedKey(encoded);
      if (full === undefined || !full.startsWith(root + prefix) || sizeBytes === undefined) {
        throw brokenListing(description, "an entry is not what was asked for");
      }
      // Servers may order keys that are not ours differently (by UTF-16, by locale): only ours are compared.
      seen = full;
      const key = full.slice(root.length);
      if (!isObjectKey(key)) continue;
      if (full <= last) throw brokenListing(description, `${key} is repeated or out of order`);
      last = full;
      idlePages = 0;
      yield modified === undefined ? { key, sizeBytes } : { key, sizeBytes, modifiedMs: modified.getTime() };
    }
    if (answer.IsTruncated !== true) return;
    const token = answer.NextContinuationToken;
    if (token === position.ContinuationToken && objects.length === 0)
      throw brokenListing(description, "it does not go on");
    if (idlePages > idlePagesLimit) throw brokenListing(description, "it does not end");
    if (token === undefined || token === "") {
      if (objects.length === 0) throw brokenListing(description, "it is cut off");
      position = { StartAfter: seen };
    } else position = { ContinuationToken: token };
  }
}

/** A key in the encoding of URLs, as S3 writes it: `+` is a space. Keys that do not decode are not ours, and stay as they are. */
function decodedKey(encoded: string): string {
  if (!encoded.includes("%") && !encoded.includes("+")) return encoded;
  try {
    return decodeURIComponent(encoded.replaceAll("+", " "));
  } catch {
    return encoded;
  }
}

function brokenListing(description: string, cause: string): HoldfastError {
  return new HoldfastError("incompatible", `Cannot list ${description}: the server's listing is broken: ${cause}`, {
    hint: "Run `holdfast doctor` on this store.",
  });
}
