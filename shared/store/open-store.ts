import type { ProxyVariables } from "./proxy-variables.ts";
import { directoryStore } from "./directory-store.ts";
import { memoryStore } from "./memory-store.ts";
import type { StoreLocation } from "./store-location.ts";
import { parseStoreLocation } from "./store-location.ts";
import type { Store } from "./store.ts";

/**
 * Opens the store at a location, bare: without retrying, limits or a cache.
 *
 * Nothing is read, sent or created yet, so a store that is not there shows at the first call. The code for S3 is loaded for
 * S3 locations only.
 *
 * @param location - as `parseStoreLocation` takes or returns it
 * @param options.proxies - the proxies of the environment, for stores that are reached by HTTP
 * @throws {HoldfastError} invalid: the location cannot be read
 */
export async function openStore(
  location: string | StoreLocation,
  options: { readonly proxies?: ProxyVariables } = {},
): Promise<Store> {
  const parsed = typeof location === "string" ? parseStoreLocation(location) : location;
  switch (parsed.kind) {
    case "memory":
      return memoryStore();
    case "directory":
      return directoryStore(parsed.path, { hasReserve: true });
    case "s3": {
      const { openS3Store } = await import("./s3-store.ts");
      return openS3Store({ ...parsed, ...options });
    }
  }
}
