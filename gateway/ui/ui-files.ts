import { access, readFile } from "node:fs/promises";
import { HoldfastError } from "#shared/errors.ts";
import { commonHeaders } from "#gateway/content/security-headers.ts";

/** The files of the page, as Vite built them, and their types. */
const files: Readonly<Record<string, string>> = {
  "index.html": "text/html; charset=utf-8",
  "ui.js": "text/javascript; charset=utf-8",
  "ui.css": "text/css; charset=utf-8",
  "worker.js": "text/javascript; charset=utf-8",
  "icon.svg": "image/svg+xml",
};
const directory = new URL("./built/", import.meta.url);

/**
 * The policy of the page: its own script and style and nothing else, in no frame, sending nothing anywhere else. Text never becomes
 * markup (trusted types); the one policy there is names the worker.
 */
export const uiSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "media-src 'self'",
  "connect-src 'self'",
  "frame-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types holdfast",
].join("; ");

/**
 * Makes sure that the page was built.
 *
 * @throws {HoldfastError} absent: a file of it is missing
 */
export async function requirePage(built: URL = directory): Promise<void> {
  for (const name of Object.keys(files)) {
    try {
      await access(new URL(name, built));
    } catch (cause) {
      throw new HoldfastError("absent", `Cannot show the web UI: its page is not built, ${name} is missing`, {
        cause,
        hint: "Run `npm run build:ui` in the sources, or install a release.",
      });
    }
  }
}

const kept = new Map<string, Promise<Buffer>>();

/** A file of the page; undefined: there is none by that name. */
export async function uiFile(name: string, method: string): Promise<Response | undefined> {
  const type = Object.hasOwn(files, name) ? files[name] : undefined;
  if (type === undefined) return undefined;
  const read = kept.get(name) ?? readFile(new URL(name, directory));
  kept.set(name, read);
  let bytes: Buffer;
  try {
    bytes = await read;
  } catch (cause) {
    kept.delete(name);
    throw new HoldfastError("internal", "Cannot show the page: it is not built", { cause });
  }
  return new Response(method === "HEAD" ? null : new Uint8Array(bytes), {
    headers: {
      ...commonHeaders,
      "Content-Type": type,
      "Content-Length": String(bytes.byteLength),
      "Content-Security-Policy": uiSecurityPolicy,
      "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
      "Cache-Control": "private, no-cache",
    },
  });
}
