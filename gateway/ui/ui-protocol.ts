import { Hono, type MiddlewareHandler } from "hono";
import { systemClock } from "#shared/clock.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import type { AccessRules, Authorized } from "#gateway/access/access-rules.ts";
import type { Principal } from "#gateway/access/principal.ts";
import { type Refusal, refusals } from "#gateway/access/refusal-page.ts";
import { answerRoute } from "#gateway/api/answer-route.ts";
import { apiErrorResponse, jsonResponse } from "#gateway/api/api-error.ts";
import { apiRoutes } from "#gateway/api/api-routes.ts";
import { openapiDocument } from "#gateway/api/openapi-document.ts";
import type { ApiSession } from "#gateway/api/session-schema.ts";
import type { GatewayEnv } from "#gateway/gateway-env.ts";
import { textPage } from "#gateway/http/error-page.ts";
import { httpProtocol } from "#gateway/http/http-protocol.ts";
import { relativeLocation } from "#gateway/paths/relative-location.ts";
import { writtenPath } from "#gateway/paths/request-path.ts";
import type { Mount } from "#gateway/mount.ts";
import type { Protocol } from "#gateway/protocol.ts";
import { readCredentials } from "./read-credentials.ts";
import { cookieLine, UiSessions } from "./ui-sessions.ts";
import { uiFile } from "./ui-files.ts";

/**
 * The web UI: its page, its API below `api/`, and below `files/` what plain HTTP serves, for who is logged in. The page itself holds nothing
 * and is given to all; what it asks is answered for a session (a cookie), or for an `Authorization` header, where there are access rules.
 */
export const uiProtocol: Protocol = {
  name: "ui",
  authentication: "own",
  app({ prefix, access }) {
    const app = new Hono<GatewayEnv>();
    const door = new Door(access);
    const below = (path: string): string => path.slice(prefix.length);
    app.use("*", sameSiteOnly(below, prefix));
    app.all("*", async (c, next) => {
      const path = writtenPath(c.req.url);
      const { method } = c.req;
      if (path === prefix && prefix !== "")
        return textPage(302, "", method, { Location: relativeLocation(c.req.url, prefix, "/") });
      const inside = below(path);
      if (inside.startsWith("/api/")) {
        try {
          return await answerApi(inside.slice("/api/".length));
        } catch (error) {
          if (isHoldfastError(error)) c.get("logged").failure = error;
          else throw error;
          return apiErrorResponse(error);
        }
      }
      if (inside === "/files" || inside.startsWith("/files/")) {
        const found = await door.principal(c.req.raw.headers, c.env.address ?? "");
        if ("refusal" in found) {
          const { status, text } = refusals[found.refusal];
          return textPage(status, text, method);
        }
        c.get("letIn")(found.principal);
        return next();
      }
      if (method !== "GET" && method !== "HEAD") return textPage(405, "", method, { Allow: "GET, HEAD" });
      return (
        (await uiFile(inside === "/" || inside === "" ? "index.html" : inside.slice(1), method)) ??
        textPage(404, "", method)
      );

      async function answerApi(name: string): Promise<Response> {
        const { raw } = c.req;
        const address = c.env.address ?? "";
        const mount = c.get("mount");
        const scope = { path: `${c.env.prefix ?? ""}${prefix}/`, isSecure: raw.url.startsWith("https:") };
        if (name === "login" || name === "logout") {
          if (method !== "POST")
            return apiErrorResponse(new HoldfastError("invalid", "Ask by POST"), 405, { Allow: "POST" });
          return name === "login" ? door.logIn(raw, address, mount, scope) : door.logOut(raw, scope);
        }
        if (method !== "GET")
          return apiErrorResponse(new HoldfastError("invalid", "Ask by GET"), 405, { Allow: "GET" });
        if (name === "openapi.json") return jsonResponse(openapiDocument());
        const found = await door.principal(raw.headers, address);
        if (name === "session")
          return jsonResponse(sessionOf(access, mount, "principal" in found ? found.principal : undefined));
        const route = apiRoutes.find((each) => each.name === name);
        if (route === undefined) throw new HoldfastError("absent", "There is no such question");
        if ("refusal" in found) return refusedByApi(found.refusal, "Nobody is logged in");
        const { principal } = found;
        return answerRoute(route, raw.url, { view: c.get("letIn")(principal), mount, clock: systemClock });
      }
    });
    app.route("/files", httpProtocol.app({ prefix: `${prefix}/files`, access }));
    return app;
  },
};

/** Who is there, and what is mounted for them. */
function sessionOf(access: AccessRules, mount: Mount, principal: Principal | undefined): ApiSession {
  const { kind, name } = mount;
  if (access.isOpen) return { state: "open", user: null, mount: { kind, name } };
  if (principal === undefined) return { state: "out", user: null, mount: null };
  return { state: "in", user: principal.name, mount: { kind, name } };
}

/** Pages of other sites cannot ask in somebody's name: browsers say whose page asks. Only a link may lead to the page itself. */
function sameSiteOnly(below: (path: string) => string, prefix: string): MiddlewareHandler<GatewayEnv> {
  return async (c, next) => {
    const site = c.req.header("sec-fetch-site");
    const isPage = ["", "/"].includes(below(writtenPath(c.req.url))) || writtenPath(c.req.url) === prefix;
    if (site !== undefined && site !== "same-origin" && site !== "none" && !isPage) {
      return textPage(403, "another site asked", c.req.method);
    }
    return next();
  };
}

type Scope = { readonly path: string; readonly isSecure: boolean };

/** Lets people in. */
class Door {
  readonly #access: AccessRules;
  readonly #sessions = new UiSessions(systemClock);

  constructor(access: AccessRules) {
    this.#access = access;
  }

  async principal(headers: Headers, address: string): Promise<Authorized> {
    const inSession = this.#sessions.principal(headers.get("cookie") ?? undefined);
    if (inSession !== undefined) return { principal: inSession };
    return this.#access.authorize(headers.get("authorization") ?? undefined, address);
  }

  async logIn(request: Request, address: string, mount: Mount, { path, isSecure }: Scope): Promise<Response> {
    const { user, password } = await readCredentials(request);
    const header = `Basic ${Buffer.from(`${user}:${password}`, "utf8").toString("base64")}`;
    const found = await this.#access.authorize(header, address);
    if ("refusal" in found) return refusedByApi(found.refusal, "That name and password do not fit");
    const { principal } = found;
    const session: ApiSession = { state: "in", user: principal.name, mount: { kind: mount.kind, name: mount.name } };
    return jsonResponse(session, 200, { "Set-Cookie": cookieLine(this.#sessions.begin(principal), path, isSecure) });
  }

  logOut(request: Request, { path, isSecure }: Scope): Response {
    this.#sessions.end(request.headers.get("cookie") ?? undefined);
    const session: ApiSession = { state: this.#access.isOpen ? "open" : "out", user: null, mount: null };
    return jsonResponse(session, 200, { "Set-Cookie": cookieLine(undefined, path, isSecure) });
  }
}

const refusalTexts: Readonly<Record<Exclude<Refusal, "unknown">, string>> = {
  guessing: "Too many wrong passwords: wait a little",
  busy: "Too many passwords are being checked: try again in a moment",
};

/** A refusal as the API tells it. @param unknown - the words where credentials are missing or wrong */
function refusedByApi(refusal: Refusal, unknown: string): Response {
  const { status, headers } = refusals[refusal];
  const text = refusal === "unknown" ? unknown : refusalTexts[refusal];
  // A page asks by name and password itself: browsers must not ask beside it.
  const { "WWW-Authenticate": _, ...told } = headers;
  return apiErrorResponse(new HoldfastError(refusal === "busy" ? "unavailable" : "denied", text), status, told);
}
