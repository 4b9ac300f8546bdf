import { fileURLToPath } from "node:url";
import { HoldfastError } from "#shared/errors.ts";

/** Where a store is, as a person writes it, taken apart. */
export type StoreLocation =
  | { readonly kind: "memory" }
  | { readonly kind: "directory"; readonly path: string }
  | {
      readonly kind: "s3";
      readonly bucket: string;
      /** Without a `/` at either end; empty for the whole bucket. */
      readonly prefix: string;
      readonly endpoint?: string;
      readonly region?: string;
      readonly pathStyle?: boolean;
      readonly storageClass?: string;
      readonly profile?: string;
    };

/** How each scheme is written; messages list them. */
const forms = [
  "/path/to/directory",
  "file:///path/to/directory",
  "s3://bucket/prefix?endpoint=…&region=…&path-style=1&storage-class=…&profile=…",
];

/** The parameters that an `s3://` location takes. */
export const s3Parameters = ["endpoint", "region", "path-style", "storage-class", "profile"];

/**
 * Parses the location of a store: a path, `file:///…`, `s3://bucket/prefix?…` or `memory:`.
 *
 * It reads no environment. What has no scheme of two or more letters is a path. Credentials in a location are refused, and never
 * repeated in the message: locations end up in logs and in the list of processes.
 *
 * @throws {HoldfastError} invalid
 */
export function parseStoreLocation(text: string): StoreLocation {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]+):/.exec(text)?.[1]?.toLowerCase();
  switch (scheme) {
    case undefined:
      if (text === "") throw invalidLocation("it is empty");
      if (text.includes("\0")) throw invalidLocation("a path has no NUL byte");
      return { kind: "directory", path: text };
    case "memory":
      if (text.length > "memory:".length) throw invalidLocation("memory: takes nothing behind it");
      return { kind: "memory" };
    case "file":
      return { kind: "directory", path: pathOfFileUrl(text) };
    case "s3":
      return s3Location(parsedUrl(text));
    default:
      throw invalidLocation(`"${scheme}:" is not known`);
  }
}

function pathOfFileUrl(text: string): string {
  const url = parsedUrl(text);
  if (url.search !== "" || url.hash !== "") throw invalidLocation("a file: location has no parameters");
  if (!/^file:\/\//i.test(text)) throw invalidLocation("write file:///path, with three slashes");
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw invalidLocation("its path is not one of this machine", error);
  }
}

function s3Location(url: URL): StoreLocation {
  refuseCredentials(url);
  if (url.hostname === "") throw invalidLocation("it names no bucket");
  if (url.port !== "") throw invalidLocation("a port belongs to the endpoint, not to the bucket");
  if (url.hash !== "") throw invalidLocation("s3: locations have no # part");
  for (const name of url.searchParams.keys()) {
    if (!s3Parameters.includes(name))
      throw invalidLocation(`the parameter "${name}" is not one of ${s3Parameters.join(", ")}`);
    if (url.searchParams.getAll(name).length > 1) throw invalidLocation(`the parameter "${name}" is given twice`);
  }
  const parameter = (name: string): string | undefined => url.searchParams.get(name) ?? undefined;
  const endpoint = parameter("endpoint");
  const region = parameter("region");
  const pathStyle = parameter("path-style");
  const storageClass = parameter("storage-class");
  const profile = parameter("profile");
  return {
    kind: "s3",
    bucket: url.hostname,
    prefix: prefixOfPath(url.pathname),
    ...(endpoint === undefined ? {} : { endpoint: checkedEndpoint(endpoint) }),
    ...(region === undefined ? {} : { region: notEmpty("region", region) }),
    ...(pathStyle === undefined ? {} : { pathStyle: flag("path-style", pathStyle) }),
    ...(storageClass === undefined ? {} : { storageClass: notEmpty("storage-class", storageClass) }),
    ...(profile === undefined ? {} : { profile: notEmpty("profile", profile) }),
  };
}

function prefixOfPath(pathname: string): string {
  const prefix = pathname.replace(/^\//, "").replace(/\/$/, "");
  if (prefix !== "" && !/^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/.test(prefix)) {
    throw invalidLocation("a prefix consists of parts of A-Z a-z 0-9 . _ - joined by /");
  }
  return prefix;
}

function checkedEndpoint(endpoint: string): string {
  const url = parsedUrl(endpoint);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw invalidLocation("an endpoint begins with http:// or https://");
  refuseCredentials(url);
  if (url.search !== "" || url.hash !== "") throw invalidLocation("an endpoint has no parameters");
  return endpoint;
}

function refuseCredentials(url: URL): void {
  if (url.username !== "" || url.password !== "") {
    throw invalidLocation(
      "it contains credentials",
      undefined,
      "Give credentials by the environment or by a profile instead.",
    );
  }
}

function flag(name: string, value: string): boolean {
  if (value === "1" || value === "true") return true;
  if (value === "0" || value === "false") return false;
  throw invalidLocation(`${name} is 1 or 0`);
}

function notEmpty(name: string, value: string): string {
  if (value === "") throw invalidLocation(`${name} is empty`);
  return value;
}

function parsedUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null) throw invalidLocation("it cannot be read as a URL");
  return url;
}

function invalidLocation(
  cause: string,
  error?: unknown,
  hint = `Write a store as one of: ${forms.join(" · ")}`,
): HoldfastError {
  return new HoldfastError("invalid", `Cannot read the location of the store: ${cause}`, { hint, cause: error });
}
