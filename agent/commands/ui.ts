import { randomBytes } from "node:crypto";
import { parseListener } from "#agent/arguments/parse-listener.ts";
import { defineCommand } from "./command.ts";
import { expectArguments } from "./expect-arguments.ts";
import { snapshotText } from "./line-options.ts";
import { openBrowser } from "./open-browser.ts";
import { servingOptions, servingRequest } from "./serving-options.ts";

/** Where the UI listens when nothing is said. */
const usualPlace = "127.0.0.1:8090";

/** `holdfast ui`: serves the web UI until it is stopped. */
export const ui = defineCommand({
  name: "ui",
  summary: "look into snapshots in a web browser, read-only",
  synopsis: ["[options]", "[options] SNAPSHOT[:PATH]"],
  manual: {
    description: [
      "Serves a web page for looking into the store until it is stopped (Ctrl-C, SIGTERM): find snapshots, browse and preview files, download a file or a directory, search names in all snapshots, see the history of a path, compare two snapshots, and see what backups could not read and how the store grew. With SNAPSHOT or SNAPSHOT:PATH it shows that snapshot, or that directory in it, and nothing else.",
      snapshotText,
      "Without --access (or HOLDFAST_MOUNT_ACCESS) the address that is printed carries a secret, made anew each time: whoever has it is let in, and nobody else, neither other users of this machine. The page takes it out of the address at once and keeps a cookie that ends with the browser's session, after two hours without a request, or with this command.",
      "It listens at 127.0.0.1:8090. With --listen at another address it needs --access, whose users and tokens then log in, and TLS by --cert and --key, or --insecure-plain where something in front of it encrypts. The access file is that of `holdfast mount`.",
      "While it runs the process holds the key of the store. The page asks no other server for anything, and nothing in a file that it shows runs in the browser. What the page asks is also for programs: its API is described at `api/openapi.json`.",
    ],
    exits: {
      denied: "wrong passphrase or key; or others could reach it, and nobody is asked",
      conflict: "the port is taken",
      absent: "there is no such store, snapshot or path",
    },
    examples: [
      { line: "holdfast ui --open", does: "Look at all snapshots in the browser of this machine." },
      {
        line: "holdfast ui latest:/home --listen 127.0.0.1:0",
        does: "Show one directory of the newest snapshot of this host, at a port that is free.",
      },
      {
        line: "holdfast ui --listen 0.0.0.0:443 --cert cert.pem --key key.pem --access access.json",
        does: "Show all snapshots to those whom the access file names.",
      },
    ],
  },
  options: [
    { name: "open", type: "flag", description: "Open it in the browser of this machine." },
    {
      name: "listen",
      type: "text",
      value: "PLACE",
      description: "Listen at HOST:PORT, [IPV6]:PORT, or PORT at 127.0.0.1.",
    },
    ...servingOptions,
  ],
  async run({ options, positionals, engine, renderer }) {
    expectArguments("ui", positionals, { min: 0, max: 1, wanted: "one SNAPSHOT[:PATH] or nothing" });
    const [text] = positionals;
    const listener = parseListener(options.listen ?? usualPlace);
    const opened = await engine();
    const secret = randomBytes(24).toString("base64url");
    let leave: (() => void) | undefined;
    try {
      await opened.mount(
        {
          ...servingRequest(options, text),
          listeners: [{ ...listener, protocols: ["ui"] }],
          linkToken: secret,
        },
        ({ url, needsLink }) => {
          const address = needsLink ? `${url}#/enter/${secret}` : url;
          renderer.result("ui", { url: address }, address);
          if (options.open) {
            leave = openBrowser(address, (message) => renderer.notice({ level: "warning", message }));
          }
        },
      );
    } finally {
      leave?.();
    }
    return "ok";
  },
});
