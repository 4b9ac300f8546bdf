import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Where `install-clients.sh` puts what no package of the system has. */
export const clientsDirectory = fileURLToPath(new URL("../../.cache/gateway-clients/", import.meta.url));

/** How a client ended. */
export type ClientResult = { readonly status: number; readonly stdout: string; readonly stderr: string };

/** The path of a program of others, or undefined where it is not installed: `install-clients.sh` does that. */
export function clientPath(program: string): string | undefined {
  const own = `${clientsDirectory}bin/${program}`;
  if (existsSync(own)) return own;
  const { status, stdout } = spawnSync("sh", ["-c", `command -v "$1"`, "sh", program], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/** What a test is called whose client is not there. */
export function missing(program: string): string {
  return `SKIPPED: ${program} is not installed (infra-tests/gateway/install-clients.sh does it)`;
}

/** Runs a client beside this process, which is the server, and ends it after half a minute. */
export async function runClient(
  program: string,
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string; readonly input?: string } = {},
): Promise<ClientResult> {
  const work = promisify(execFile)(clientPath(program) ?? program, args, {
    encoding: "latin1",
    timeout: 30_000,
    killSignal: "SIGKILL",
    maxBuffer: 16 * 1024 * 1024,
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  work.child.stdin?.on("error", () => undefined); // it ended without reading: its status tells
  work.child.stdin?.end(options.input ?? "");
  try {
    return { status: 0, ...(await work) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: number; stdout: string; stderr: string };
    return { status: typeof code === "number" ? code : -1, stdout, stderr };
  }
}
