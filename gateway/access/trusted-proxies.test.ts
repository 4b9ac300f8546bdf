import { expect, it } from "vitest";
import { TrustedProxies } from "./trusted-proxies.ts";

const told = (peer: string, headers: Record<string, string>, places = ["10.0.0.0/8", "fd00::1"]) =>
  new TrustedProxies(places).told(peer, new Headers(headers));

it("what anybody else than a trusted proxy tells is ignored", () => {
  const headers = { "x-forwarded-for": "1.2.3.4", "x-forwarded-prefix": "/x", "x-forwarded-proto": "https" };
  expect(told("192.0.2.1", headers)).toEqual({
    address: "192.0.2.1",
    isSecure: undefined,
    prefix: "",
    isProxied: false,
  });
  expect(told("10.1.1.1", headers, [])).toMatchObject({ address: "10.1.1.1", isProxied: false });
});

it.each([
  ["10.1.1.1", { "x-forwarded-for": "1.2.3.4" }, "1.2.3.4"],
  ["::ffff:10.1.1.1", { "x-forwarded-for": "1.2.3.4" }, "1.2.3.4"],
  ["fd00::1", { "x-forwarded-for": "2001:db8::5" }, "2001:db8::5"],
  ["10.1.1.1", { "x-forwarded-for": "6.6.6.6, 1.2.3.4, 10.2.2.2" }, "1.2.3.4"],
  ["10.1.1.1", { "x-forwarded-for": "10.3.3.3, 10.2.2.2" }, "10.3.3.3"],
  ["10.1.1.1", { "x-forwarded-for": "nonsense" }, "10.1.1.1"],
  ["10.1.1.1", { "x-forwarded-for": "nonsense, 10.2.2.2" }, "10.2.2.2"],
  ["10.1.1.1", {}, "10.1.1.1"],
  ["10.1.1.1", { forwarded: 'for=6.6.6.6, for="[2001:db8::5]:8080";proto=https;host=x' }, "2001:db8::5"],
  ["10.1.1.1", { forwarded: "for=1.2.3.4:99;proto=https" }, "1.2.3.4"],
  ["10.1.1.1", { forwarded: "for=_hidden" }, "10.1.1.1"],
  ["10.1.1.1", { forwarded: "for=6.6.6.6", "x-forwarded-for": "1.2.3.4" }, "1.2.3.4"],
])("of a request from %s with %j the client is %s", (peer, headers, address) => {
  expect(told(peer, headers).address).toBe(address);
});

it.each([
  [{ "x-forwarded-proto": "https" }, true],
  [{ "x-forwarded-proto": "http, HTTPS" }, true],
  [{ "x-forwarded-proto": "http" }, false],
  [{ forwarded: "for=1.2.3.4;proto=https" }, true],
  [{}, undefined],
])("%j tells whether it came over TLS", (headers, isSecure) => {
  expect(told("10.1.1.1", headers).isSecure).toBe(isSecure);
});

it.each([
  ["/backup", "/backup"],
  ["/a/b%20c/", "/a/b%20c"],
  ["/", ""],
  ["//evil.example", ""],
  ["https://evil.example", ""],
  ["/a/../b", ""],
  ['/"><script>', ""],
  ["backup", ""],
  [`/${"x".repeat(2000)}`, ""],
])("the prefix %j is taken as %j", (written, prefix) => {
  expect(told("10.1.1.1", { "x-forwarded-prefix": written }).prefix).toBe(prefix);
});

it.each(["", "proxy", "10.0.0.0/33", "10.0.0", "::/129", "10.0.0.1:80"])(
  "%j is no proxy that can be named",
  (place) => {
    expect(() => new TrustedProxies([place])).toThrow(expect.objectContaining({ kind: "invalid" }));
  },
);
