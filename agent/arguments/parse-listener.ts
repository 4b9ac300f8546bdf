import { HoldfastError } from "#shared/errors.ts";

/** Reads `HOST:PORT`, `[IPV6]:PORT`, or `PORT` alone, which is at 127.0.0.1. Port 0 takes a free one. @throws {HoldfastError} invalid */
export function parseListener(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, digits] = /^(?:(?:\[([0-9a-fA-F:.%\w]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) {
    throw new HoldfastError("invalid", `Cannot listen at "${text}": it is not HOST:PORT`, {
      hint: "Write 127.0.0.1:8080, [::1]:8080, or 8080.",
    });
  }
  return { host: bracketed ?? plain ?? "127.0.0.1", port };
}
