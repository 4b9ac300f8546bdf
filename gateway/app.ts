import { Hono, type MiddlewareHandler } from "hono";
import type { Clock } from "#shared/clock.ts";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { errorPage, textPage } from "./http/error-page.ts";
import type { AccessRules } from "./access/access-rules.ts";
import { LatestChoices } from "./access/latest-choices.ts";
import { isLoopbackHost } from "./access/loopback.ts";
import { refusalPage } from "./access/refusal-page.ts";
import { RateLimit } from "./access/rate-limit.ts";
import type { AccessRecord } from "./access-record.ts";
import { countedBody } from "./content/counted-body.ts";
import type { Principal } from "./access/principal.ts";
import type { Connection, GatewayEnv, Logged } from "./gateway-env.ts";
import type { Mount } from "./mount.ts";
import type { Protocol } from "./protocol.ts";
import { writtenPath } from "./paths/request-path.ts";

/** What an app is made of. */
export type GatewayAppOptions = {
  readonly mount: Mount;
  readonly access: AccessRules;
  /** Each below its prefix; one has the prefix "". */
  readonly protocols: readonly { readonly protocol: Protocol; readonly prefix: string }[];
  readonly clock: Clock;
  /** Requests a second of one address, after a burst of ten seconds' worth; undefined: no limit. */
  readonly requestsPerSecond?: number | undefined;
  /** Told of every request when its response has ended. */
  readonly onAccess?: ((record: AccessRecord) => void) | undefined;
  /** Told of faults of the gateway itself, and of what broke a response that had begun. */
  readonly onFault?: ((fault: unknown) => void) | undefined;
};

/**
 * The gateway as `Request` → `Response`, for every runtime: knows who asks, what they may see, and which protocol answers. Doors give the
 * caller's address as `env.address`.
 */
export function gatewayApp(options: GatewayAppOptions): Hono<GatewayEnv> {
  const { mount, access, protocols, clock } = options;
  const app = new Hono<GatewayEnv>();
  const rate =
    options.requestsPerSecond === undefined
      ? undefined
      : new RateLimit(clock, { perSecond: options.requestsPerSecond, burst: options.requestsPerSecond * 10 });
  const choices = new LatestChoices(clock);
  app.use("*", accessLog(options));
  app.use("*", async (c, next) => {
    c.set("mount", mount);
    c.set("letIn", (principal) => {
      const latest = choices.of(walkRequest(principal, c.req.raw, c.env));
      const logged = c.get("logged");
      logged.principal = principal.name;
      logged.onEnd = () => latest.end();
      c.set("principal", principal);
      c.set("latest", latest);
      const view = mount.view(principal.grant, latest.choose);
      c.set("view", view);
      return view;
    });
    const address = c.env.address ?? "";
    if (access.isOpen && !isLoopbackHost(c.req.header("host") ?? new URL(c.req.url).host)) {
      return textPage(421, "ask for it as localhost or 127.0.0.1", c.req.method);
    }
    if (rate?.take(address) === false) return textPage(429, "", c.req.method, { "Retry-After": "1" });
    return next();
  });
  const authenticated: MiddlewareHandler<GatewayEnv> = async (c, next) => {
    const found = await access.authorize(c.req.header("authorization"), c.env.address ?? "");
    if ("refusal" in found) return refusalPage(found.refusal, c.req.method);
    c.get("letIn")(found.principal);
    return next();
  };
  for (const { protocol, prefix } of protocols.toSorted((left, right) => right.prefix.length - left.prefix.length)) {
    const part = new Hono<GatewayEnv>();
    if (protocol.authentication === "gateway") part.use("*", authenticated);
    part.route("/", protocol.app({ prefix, access }));
    app.route(prefix === "" ? "/" : prefix, part);
  }
  app.notFound((c) => textPage(404, "", c.req.method));
  app.onError((error, c) => {
    options.onFault?.(error);
    const known = isHoldfastError(error) ? error : new HoldfastError("internal", "It failed", { cause: error });
    return errorPage(known, c.req.method);
  });
  return app;
}

/** Parameters that ask for what comes after something that was answered before. */
const continuing = /[?&](?:continuation-token|marker|key-marker|start-after|after|partNumber)=[^&]/;

function walkRequest({ name }: Principal, { method, url, headers }: Request, { address, socket }: Connection) {
  return {
    client: [name, address, headers.get("user-agent") ?? undefined],
    question: `${method} ${url} ${headers.get("depth") ?? ""}`,
    continues: headers.has("range") || continuing.test(url),
    socket,
  };
}

/** Writes the line of a request when its response has ended, however it ended. */
function accessLog({ onAccess, onFault, clock }: GatewayAppOptions): MiddlewareHandler<GatewayEnv> {
  return async (c, next) => {
    const beganMs = clock.nowMs();
    const logged: Logged = {};
    c.set("logged", logged);
    await next();
    const { status } = c.res;
    const ended = (sentBytes: number, failure?: unknown): void => {
      logged.onEnd?.();
      if (failure !== undefined) onFault?.(failure);
      onAccess?.({
        timeMs: beganMs,
        durationMs: clock.nowMs() - beganMs,
        address: c.env.address,
        principal: logged.principal,
        method: c.req.method,
        path: writtenPath(c.req.url),
        status,
        sentBytes,
        failure: failure === undefined ? logged.failure?.kind : isHoldfastError(failure) ? failure.kind : "internal",
      });
    };
    if (c.res.body === null) ended(0);
    else {
      const { headers } = c.res;
      const body = countedBody(c.res.body, ended);
      c.res = undefined;
      c.res = new Response(body, { status, headers });
    }
  };
}
