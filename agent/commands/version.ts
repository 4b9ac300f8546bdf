import { readFileSync } from "node:fs";
import { defineCommand } from "./command.ts";
import { expectArguments } from "./expect-arguments.ts";

/** `holdfast version`: tells the version. */
export const version = defineCommand({
  name: "version",
  summary: "tell the version",
  synopsis: [""],
  manual: {
    description: ["Tells the version of Holdfast, and of the Node that runs it."],
    exits: {},
    examples: [
      { line: "holdfast version", does: "Tell the version." },
      { line: "holdfast --json version", does: "Tell it for a program to read." },
    ],
  },
  options: [],
  async run({ positionals, renderer }) {
    expectArguments("version", positionals, { min: 0, max: 0, wanted: "no arguments" });
    const text = programVersion();
    const node = process.versions.node;
    const platform = `${process.platform}-${process.arch}`;
    renderer.result("version", { version: text, node, platform }, `holdfast ${text} (node ${node}, ${platform})`);
    return "ok";
  },
});

/** The version in the package's own package.json: one directory up in the built package, two up in the sources. */
function programVersion(): string {
  const up = import.meta.url.endsWith(".ts") ? "../../package.json" : "../package.json";
  const parsed: unknown = JSON.parse(readFileSync(new URL(up, import.meta.url), "utf8"));
  const found = typeof parsed === "object" && parsed !== null && "version" in parsed ? parsed.version : undefined;
  return typeof found === "string" ? found : "unknown";
}
