import { describe, expect, it } from "vitest";
import { distinctRoots } from "./distinct-roots.ts";

/** Filesystems: /home is one of its own, /srv/bind is a bind mount of the first. */
const statOf = (path: string) => ({
  deviceMajor: 8,
  deviceMinor: path === "/home" || path.startsWith("/home/") ? 2 : 1,
  attributes: path === "/home" || path === "/srv/bind" ? 0x2000 : 0,
});
const everywhere = (...paths: string[]) => distinctRoots(paths, { oneFileSystem: false });
const oneFileSystem = (...paths: string[]) => distinctRoots(paths, { oneFileSystem: true, statOf });

describe("distinctRoots", () => {
  it("leaves out paths that others contain, and those given twice", () => {
    expect(everywhere("/a/b", "/a", "/a", "/a/b/c", "/b")).toEqual(["/a", "/b"]);
    expect(everywhere("/etc", "/")).toEqual(["/"]);
    expect(everywhere("/a", "/ab", "/a-b")).toEqual(["/a", "/ab", "/a-b"]);
  });

  it("keeps what lies on another filesystem than the path above it when only one is entered", () => {
    expect(oneFileSystem("/", "/home")).toEqual(["/", "/home"]);
    expect(oneFileSystem("/", "/home/user/deep")).toEqual(["/", "/home/user/deep"]);
    expect(oneFileSystem("/", "/srv/bind", "/srv/bind/below")).toEqual(["/", "/srv/bind"]);
    expect(oneFileSystem("/", "/srv/bind/below")).toEqual(["/", "/srv/bind/below"]);
  });

  it("leaves out what lies on the same filesystem", () => {
    expect(oneFileSystem("/", "/etc", "/srv/other/x")).toEqual(["/"]);
    expect(oneFileSystem("/home", "/home/user")).toEqual(["/home"]);
  });
});
