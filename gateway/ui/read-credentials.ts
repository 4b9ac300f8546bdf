import { HoldfastError } from "#shared/errors.ts";

/** Bytes that a login may have. */
const bodyBytesMax = 4096;

/**
 * The name and password that a login sends as JSON. Other types of bodies are refused: a form of another site could send them.
 *
 * @throws {HoldfastError} invalid: it is something else
 */
export async function readCredentials(request: Request): Promise<{ readonly user: string; readonly password: string }> {
  if (!/^application\/json\s*(;|$)/i.test(request.headers.get("content-type") ?? "")) throw refused();
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of request.body ?? []) {
    bytes += part.byteLength;
    if (bytes > bodyBytesMax) throw refused();
    parts.push(part);
  }
  let sent: unknown;
  try {
    sent = JSON.parse(Buffer.concat(parts).toString("utf8"));
  } catch {
    throw refused(); // what the parser says would show a part of the password
  }
  if (typeof sent !== "object" || sent === null || !("user" in sent) || !("password" in sent)) throw refused();
  const { user, password } = sent;
  if (typeof user !== "string" || typeof password !== "string" || user.includes(":")) throw refused();
  return { user, password };
}

function refused(): HoldfastError {
  return new HoldfastError("invalid", "Cannot log in: name and password are not sent as JSON");
}
