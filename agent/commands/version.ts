import { programVersion } from "#agent/program-version.ts";
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
