import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** What opens a URL, by operating system. */
const openers: Readonly<Record<string, readonly string[]>> = {
  darwin: ["open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

/**
 * Opens a URL in the browser of this machine. The URL may carry a secret, and arguments of programs show to every user: the program is given a
 * private file that leads there.
 *
 * @param onProblem - told when there is no browser
 * @returns takes the file away
 */
export function openBrowser(url: string, onProblem: (message: string) => void): () => void {
  const directory = mkdtempSync(join(tmpdir(), "holdfast-ui-"));
  const leave = (): void => rmSync(directory, { recursive: true, force: true });
  const file = join(directory, "open.html");
  writeFileSync(file, redirectPage(url), { mode: 0o600 });
  const [program = "xdg-open", ...args] = openers[process.platform] ?? ["xdg-open"];
  const child = spawn(program, [...args, pathToFileURL(file).href], { stdio: "ignore", detached: true });
  child.once("error", (error) => onProblem(`Cannot open a browser: ${error.message}`));
  child.once("exit", (code) => {
    if (code !== 0 && code !== null) onProblem(`Cannot open a browser: ${program} ended with ${code}`);
  });
  child.unref();
  return leave;
}

/** A page that leads to a URL of ours: it has no character that HTML would read otherwise. */
export function redirectPage(url: string): string {
  const safe = url.replaceAll(/["&<>']/g, (char) => `&#${char.charCodeAt(0)};`);
  return `<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0;url=${safe}"><title>Holdfast</title>\n`;
}
