/** The path that a request asks for. */
export type RequestPath = {
  /** Absolute, a binary string (one char per byte), without a closing slash; "/" is the top. */
  readonly path: string;
  /** Whether it was written with a closing slash. The top always is. */
  readonly isDirectory: boolean;
};

/**
 * The path of a request's URL, with every percent escape turned into its byte once.
 *
 * Undefined where it can name nothing: it does not begin with the prefix, an escape is broken, a part is empty, ".", ".." or has a zero
 * byte or an escaped slash in it. So a path that comes out of here climbs nowhere.
 *
 * @param url - absolute, or the path and query alone; query and fragment are left out
 * @param prefix - what every path begins with, without a closing slash: "" or "/dav"
 * @param slashes - whether several in a row count as one: clients join addresses so
 */
export function requestPath(
  url: string,
  prefix: string,
  slashes: "merged" | "kept" = "merged",
): RequestPath | undefined {
  const written = writtenPath(url);
  if (written !== prefix && !written.startsWith(`${prefix}/`)) return undefined;
  const below = written.slice(prefix.length);
  const inside = slashes === "merged" ? below.replaceAll(/\/{2,}/g, "/") : below;
  if (inside === "" || inside === "/") return { path: "/", isDirectory: true };
  const isDirectory = inside.endsWith("/");
  const parts: string[] = [];
  for (const written of inside.slice(1, isDirectory ? -1 : undefined).split("/")) {
    const part = decodePart(written);
    if (part === undefined || part === "" || part === "." || part === ".." || /[/\0]/.test(part)) return undefined;
    parts.push(part);
  }
  return { path: `/${parts.join("/")}`, isDirectory };
}

/** The path of a URL as it was written, without query and fragment. */
export function writtenPath(url: string): string {
  const path = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*(.*)$/is.exec(url)?.[1] ?? url;
  return /^[^?#]*/.exec(path)?.[0] ?? "";
}

/** Escapes of bytes, once; characters beyond ASCII (a URL has none) count as their UTF-8. */
function decodePart(written: string): string | undefined {
  if (/%(?![0-9a-f]{2})/i.test(written)) return undefined;
  const bytes = /[^\0-\x7f]/.test(written) ? Buffer.from(written, "utf8").toString("latin1") : written;
  return bytes.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
