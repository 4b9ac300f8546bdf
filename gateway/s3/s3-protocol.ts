import { type Context, Hono } from "hono";
import { systemClock } from "#shared/clock.ts";
import { errorKinds, isHoldfastError } from "#shared/errors.ts";
import type { GatewayEnv } from "#gateway/gateway-env.ts";
import { writtenPath } from "#gateway/paths/request-path.ts";
import type { Protocol, ProtocolOptions } from "#gateway/protocol.ts";
import { answerS3 } from "./answer-s3.ts";
import { authenticate } from "./authenticate.ts";
import { canonicalPath } from "./canonical-path.ts";
import { queryOf } from "./query-of.ts";
import { s3Errors, type S3ErrorCode } from "./s3-errors.ts";
import { errorResponse } from "./s3-response.ts";

/** The S3 protocol, path style, read-only: a bucket for each snapshot. @see shared/decisions/0017 */
export const s3Protocol: Protocol = {
  name: "s3",
  authentication: "own",
  app(options) {
    const app = new Hono<GatewayEnv>();
    app.all("*", (c) => respond(c, options));
    return app;
  },
};

async function respond(c: Context<GatewayEnv>, { prefix, access }: ProtocolOptions): Promise<Response> {
  const { method, raw: request } = c.req;
  const resource = writtenPath(request.url);
  const logged = c.get("logged");
  try {
    const path = canonicalPath(resource);
    const query = queryOf(request.url);
    if (path === undefined || query === undefined) {
      return errorResponse({ code: "InvalidArgument", message: "The URL cannot be read." }, resource, method);
    }
    const { headers } = request;
    const nowMs = systemClock.nowMs();
    const host = new URL(request.url).host;
    const found = await authenticate({ access, method, path, query, headers, host, nowMs });
    if ("refusal" in found) return errorResponse(found.refusal, resource, method);
    const { principal } = found;
    const view = c.get("letIn")(principal);
    const mount = c.get("mount");
    if (method !== "GET" && method !== "HEAD") {
      const code =
        /^(?:PUT|POST|DELETE|PATCH)$/.test(method) || method === "OPTIONS" ? "AccessDenied" : "MethodNotAllowed";
      return errorResponse({ code, message: "Snapshots are read-only." }, resource, method, { Allow: "GET, HEAD" });
    }
    const asked = {
      method,
      mount,
      view,
      latest: c.get("latest"),
      headers,
      query: new Map(query),
      resource,
      nowMs,
    } as const;
    return await answerS3(asked, resource.slice(prefix.length));
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    logged.failure = error;
    const { s3Code } = errorKinds[error.kind];
    const code = isS3Code(s3Code) ? s3Code : "InternalError";
    // Why something is not served is told; what is wrong inside is not.
    const told = error.kind === "incompatible" ? { code, message: error.message } : { code };
    return errorResponse(told, resource, method);
  }
}

function isS3Code(code: string): code is S3ErrorCode {
  return Object.hasOwn(s3Errors, code);
}
