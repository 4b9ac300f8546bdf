import { HoldfastError } from "#shared/errors.ts";

/** A request that came as an event, and who sent it as far as AWS tells. */
export type LambdaRequest = { readonly request: Request; readonly address: string | undefined };

/**
 * The request that an event stands for: of a function URL or an HTTP API (payload 2.0), or of an API of API Gateway (payload 1.0).
 *
 * @throws {HoldfastError} invalid: it stands for none
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function lambdaRequest(event: unknown): LambdaRequest {
  const context = member(event, "requestContext");
  const http = member(context, "http");
  const isSecond = http !== undefined;
  const method = text(isSecond ? member(http, "method") : member(event, "httpMethod")) ?? "GET";
  const path = text(isSecond ? member(event, "rawPath") : (member(context, "path") ?? member(event, "path"))) ?? "/";
  const query = isSecond ? (text(member(event, "rawQueryString")) ?? "") : queryOf(event);
  const headers = headersOf(event);
  const host = headers.get("host") ?? text(member(context, "domainName")) ?? "localhost";
  const body = bodyOf(event, method);
  try {
    return {
      request: new Request(`https://${host}${asTarget(path)}${query === "" ? "" : `?${query}`}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body }),
      }),
      address: text(member(http, "sourceIp")) ?? text(member(member(context, "identity"), "sourceIp")),
    };
  } catch (cause) {
    throw new HoldfastError("invalid", "Cannot take the event for a request", { cause });
  }
}

/** A path with all escaped that may not stand in a request as it is. What is escaped already stays so. */
function asTarget(path: string): string {
  const absolute = path.startsWith("/") ? path : `/${path}`;
  return absolute.replaceAll(/[^\x21-\x7e]|["#<>?`{}]/gu, (character) => encodeURIComponent(character.toWellFormed()));
}

function headersOf(event: unknown): Headers {
  const headers = new Headers();
  const many = entries(member(event, "multiValueHeaders"));
  const given = many.length > 0 ? many : entries(member(event, "headers"));
  for (const [name, value] of given) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (typeof each === "string") headers.append(name, each);
    }
  }
  const cookies = member(event, "cookies");
  if (Array.isArray(cookies) && cookies.length > 0) headers.set("cookie", cookies.map(String).join("; "));
  return headers;
}

function queryOf(event: unknown): string {
  const many = entries(member(event, "multiValueQueryStringParameters"));
  const given = many.length > 0 ? many : entries(member(event, "queryStringParameters"));
  const query = new URLSearchParams();
  for (const [name, value] of given) {
    for (const each of Array.isArray(value) ? value : [value]) query.append(name, String(each));
  }
  // A name without a value is told as one with an empty value.
  return query.toString().replaceAll(/=(?=&|$)/g, "");
}

function bodyOf(event: unknown, method: string): Buffer<ArrayBuffer> | undefined {
  const body = text(member(event, "body"));
  if (body === undefined || method === "GET" || method === "HEAD") return undefined;
  return Buffer.from(body, member(event, "isBase64Encoded") === true ? "base64" : "utf8");
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? (Reflect.get(value, name) ?? undefined)
    : undefined;
}

function entries(value: unknown): [string, unknown][] {
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
