import type { Hono } from "hono";
import { streamHandle } from "hono/aws-lambda";
import type { GatewayEnv } from "./gateway-env.ts";

/** What a streaming Lambda function is called with: an event of a function URL or of API Gateway (payload 2.0). */
export type LambdaHandler = ReturnType<typeof streamHandle>;

/**
 * The app as a Lambda function whose response is streamed: bodies are bytes from end to end, and never gathered. It needs the invoke mode
 * RESPONSE_STREAM; the caller's address is the one that AWS tells.
 */
export function lambdaHandler(app: Hono<GatewayEnv>): LambdaHandler {
  const withAddress: Pick<Hono, "fetch"> = {
    fetch: (request, env: unknown, context) => app.fetch(request, { address: sourceAddress(env) }, context),
  };
  return streamHandle(withAddress as Hono);
}

/** The source address in the `event` that Hono's adapter hands on; undefined: it has none. */
function sourceAddress(env: unknown): string | undefined {
  const event = member(env, "event");
  const context = member(event, "requestContext");
  const address = member(member(context, "http"), "sourceIp") ?? member(member(context, "identity"), "sourceIp");
  return typeof address === "string" ? address : undefined;
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
