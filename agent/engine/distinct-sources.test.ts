import { describe, expect, it } from "vitest";
import { distinctSources, type Looks, type PlaceStat } from "./distinct-sources.ts";
import { plain, type Source } from "./named-source.ts";

/** Links of the host of these tests. */
const links: Readonly<Record<string, string>> = { "/srv/current": "/disk/42", "/srv/inner": "/srv/data", "/l": "/srv" };

/** Filesystems: /home is one of its own, /srv/bind is a bind mount of the first. */
const looks: Looks = {
  statOf: (path): PlaceStat => ({
    type: links[path] === undefined ? "directory" : "symlink",
    deviceMajor: 8,
    deviceMinor: path === "/home" || path.startsWith("/home/") ? 2 : 1,
    attributes: path === "/home" || path === "/srv/bind" ? 0x2000 : 0,
  }),
  inRealDirectory: (path) => {
    for (const [link, target] of Object.entries(links))
      if (path.startsWith(`${link}/`)) return target + path.slice(link.length);
    return path;
  },
};

type Limits = { readonly oneFileSystem?: boolean; readonly leftOut?: readonly string[] };

function distinct(sources: readonly (Source | string)[], { oneFileSystem = false, leftOut = [] }: Limits = {}) {
  return distinctSources(
    sources.map((source) => (typeof source === "string" ? plain(source) : source)),
    { oneFileSystem, isLeftOut: (_above, { place }) => leftOut.includes(place) },
    looks,
  );
}

const rootsOf = (sources: readonly (Source | string)[], limits: Limits = {}): string[] =>
  distinct(sources, limits).sources.map(({ root }) => root);

describe("distinctSources", () => {
  it("leaves out sources that others contain, and those given twice", () => {
    expect(rootsOf(["/a/b", "/a", "/a", "/a/b/c", "/b"])).toEqual(["/a", "/b"]);
    expect(rootsOf(["/etc", "/"])).toEqual(["/"]);
    expect(rootsOf(["/a", "/ab", "/a-b"])).toEqual(["/a", "/ab", "/a-b"]);
    expect(distinct(["/a/b", "/a"]).brought).toEqual([plain("/a/b")]);
  });

  it("keeps what lies on another filesystem than the path above it when only one is entered", () => {
    const one = { oneFileSystem: true };
    expect(rootsOf(["/", "/home"], one)).toEqual(["/", "/home"]);
    expect(rootsOf(["/", "/home/user/deep"], one)).toEqual(["/", "/home/user/deep"]);
    expect(rootsOf(["/", "/srv/bind", "/srv/bind/below"], one)).toEqual(["/", "/srv/bind"]);
    expect(rootsOf(["/", "/srv/bind/below"], one)).toEqual(["/", "/srv/bind/below"]);
  });

  it("leaves out what lies on the same filesystem", () => {
    expect(rootsOf(["/", "/etc", "/srv/other/x"], { oneFileSystem: true })).toEqual(["/"]);
    expect(rootsOf(["/home", "/home/user"], { oneFileSystem: true })).toEqual(["/home"]);
  });

  it("keeps what the scan of the source above it leaves out, itself or a directory that leads there", () => {
    expect(rootsOf(["/p", "/p/cache/keep"], { leftOut: ["/p/cache"] })).toEqual(["/p", "/p/cache/keep"]);
    expect(rootsOf(["/p", "/p/a.o"], { leftOut: ["/p/a.o"] })).toEqual(["/p", "/p/a.o"]);
    expect(rootsOf(["/p", "/p/cache/keep"], { leftOut: ["/p/other"] })).toEqual(["/p"]);
  });

  it("keeps what lies below another through a link, under the path that the link leads to", () => {
    const { sources, notices } = distinct(["/srv", "/srv/current/data"]);
    expect(sources).toEqual([plain("/srv"), plain("/disk/42/data")]);
    expect(notices).toMatchObject([{ path: "/srv/current/data" }]);
    expect(rootsOf(["/srv/current/data"])).toEqual(["/srv/current/data"]);
    expect(rootsOf(["/srv", "/srv/inner/x"])).toEqual(["/srv"]);
    expect(rootsOf(["/srv", "/srv/current"])).toEqual(["/srv"]);
  });

  it("takes a link that is followed for what it leads to", () => {
    const followed = { root: "/srv/current", readFrom: "/disk/42" };
    expect(distinct([followed, "/srv/current"]).sources).toEqual([followed]);
    expect(distinct(["/srv", followed]).sources).toEqual([plain("/srv"), plain("/disk/42")]);
    expect(distinct([followed, "/srv/current/data"]).sources).toEqual([followed]);
    expect(rootsOf(["/l", "/l/x"])).toEqual(["/l", "/srv/x"]);
  });
});
