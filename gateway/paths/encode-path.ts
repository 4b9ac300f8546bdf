/** A binary string as a path of a URL: every byte escaped that is not unreserved (RFC 3986), slashes kept. */
export function encodePath(path: string): string {
  return path.replaceAll(
    /[^A-Za-z0-9\-._~/]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

/** A binary string as one part of a path of a URL, or as a value of a query: slashes are escaped too. */
export function encodePathPart(part: string): string {
  return encodePath(part).replaceAll("/", "%2F");
}
