import { once } from "node:events";
import type { Writable } from "node:stream";
import type { Hono } from "hono";
import type { GatewayEnv } from "./gateway-env.ts";
import { lambdaRequest } from "./lambda-request.ts";

/** What Lambda calls: with an event, and the stream that becomes the response. */
export type LambdaHandler = (event: unknown, stream: Writable, context: unknown) => Promise<void>;

/** What Lambda's runtime for Node offers to functions whose responses are streamed. */
type LambdaRuntime = {
  streamifyResponse(handler: LambdaHandler): LambdaHandler;
  readonly HttpResponseStream: {
    from(stream: Writable, head: { statusCode: number; headers: Record<string, string>; cookies: string[] }): Writable;
  };
};

/**
 * The app as a Lambda function whose response is streamed: bodies are bytes from end to end, and never gathered. It needs the invoke mode
 * RESPONSE_STREAM; the caller's address is the one that AWS tells.
 *
 * A response that breaks after it began fails the invocation and adds nothing, so that nobody takes the part for the whole.
 *
 * @throws {Error} where it does not run in Lambda
 */
export function lambdaHandler(app: Hono<GatewayEnv>): LambdaHandler {
  const runtime = lambdaRuntime();
  return runtime.streamifyResponse(async (event, stream) => {
    const { request, address } = lambdaRequest(event);
    const response = await app.fetch(request, { address });
    const headers: Record<string, string> = {};
    for (const [name, value] of response.headers) if (name !== "set-cookie") headers[name] = value;
    const cookies = response.headers.getSetCookie();
    const out = runtime.HttpResponseStream.from(stream, { statusCode: response.status, headers, cookies });
    try {
      if (response.body === null) out.write(""); // the head is sent with the first write
      else await send(response.body, out);
      out.end();
    } catch (error) {
      out.destroy(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  });
}

async function send(body: ReadableStream<Uint8Array>, out: Writable): Promise<void> {
  let isEmpty = true;
  for await (const part of body) {
    isEmpty = false;
    if (!out.write(part)) await once(out, "drain");
  }
  if (isEmpty) out.write("");
}

function lambdaRuntime(): LambdaRuntime {
  const runtime: unknown = Reflect.get(globalThis, "awslambda");
  if (!isRuntime(runtime)) throw new Error("this is no function of AWS Lambda with a Node runtime");
  return runtime;
}

function isRuntime(value: unknown): value is LambdaRuntime {
  return typeof value === "object" && value !== null && "streamifyResponse" in value && "HttpResponseStream" in value;
}
