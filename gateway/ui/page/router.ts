import { useEffect, useState } from "preact/hooks";

/**
 * Where in the page somebody is. Kept behind the `#` of the address: it is never sent to the server, so that names of files come into no log.
 *
 * Paths are as the API writes them, every byte but unreserved ones as %XX, and are never decoded here.
 */
export type Route = {
  readonly screen: string;
  /** "/" or "/a/b". */
  readonly path: string;
  readonly params: ReadonlyMap<string, string>;
};

/** The route of an address. */
export function routeOf(hash: string): Route {
  const [place, query] = splitOnce(hash.replace(/^#\/?/, ""), "?");
  const [screen, path] = splitOnce(place, "/");
  const params = new Map<string, string>();
  for (const pair of query.split("&")) {
    const [name, value] = splitOnce(pair, "=");
    if (name !== "") params.set(name, value);
  }
  return { screen: screen === "" ? "snapshots" : screen, path: `/${path.replace(/\/+$/, "")}`, params };
}

/** The address of a route. Values of `params` are written as they are: paths, or made by `encodeText`. */
export function linkTo(screen: string, path = "/", params: Readonly<Record<string, string | undefined>> = {}): string {
  const pairs = Object.entries(params).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [`${name}=${value}`],
  );
  return `#/${screen}${path === "/" ? "" : path}${pairs.length === 0 ? "" : `?${pairs.join("&")}`}`;
}

/** Text as a value of an address. */
export const encodeText = (text: string): string => encodeURIComponent(text);
/** And back; what is no UTF-8 is left out. */
export function decodeText(value: string | undefined): string {
  try {
    return decodeURIComponent(value ?? "");
  } catch {
    return "";
  }
}

/** Goes there. @param replaces - leave no step back */
export function goTo(link: string, replaces = false): void {
  if (replaces) {
    history.replaceState(null, "", link);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else location.hash = link;
}

/** The route that the page is at. */
export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = (): void => setHash(location.hash);
    addEventListener("hashchange", follow);
    follow(); // it may have changed since the first look, for effects run late
    return () => removeEventListener("hashchange", follow);
  }, []);
  return routeOf(hash);
}

/** The directory that holds a path. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash <= 0 ? "/" : path.slice(0, slash);
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}
