import { readFileSync } from "node:fs";

/** The version in the package's own package.json: beside the built package's folder, or beside the house of the sources. */
export function programVersion(): string {
  const parsed: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const found = typeof parsed === "object" && parsed !== null && "version" in parsed ? parsed.version : undefined;
  return typeof found === "string" ? found : "unknown";
}
