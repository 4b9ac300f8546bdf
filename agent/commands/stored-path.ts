import { HoldfastError } from "#shared/errors.ts";

/**
 * A path in a snapshot to store something under, as a binary string. Nothing of this host is looked at.
 *
 * @throws {HoldfastError} invalid: it does not begin at the root, or has `..` in it
 */
export function storedPath(text: string): string {
  const parts = text.split("/").filter((part) => part !== "" && part !== ".");
  if (!text.startsWith("/") || parts.includes("..") || text.includes("\0"))
    throw new HoldfastError("invalid", `Cannot use --as=${text}: it is not a plain path from the root on`);
  return Buffer.from(`/${parts.join("/")}`, "utf8").toString("latin1");
}
