import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { processesOfHome, waitForEndOfHome } from "./processes-of-home.ts";

const home = `/nonexistent/home-${process.pid}`;

test.runIf(existsSync("/proc/self/environ"))(
  "waitForEndOfHome waits for a daemon that a program left behind, and gives up loudly",
  async () => {
    await waitForEndOfHome(home, 0);
    const waiting = `process.stdin.on("end", () => process.exit()).resume(); console.log("up")`;
    const daemon = spawn(process.execPath, ["-e", waiting], { env: { HOME: home }, stdio: ["pipe", "pipe", "ignore"] });
    await once(daemon.stdout, "data");
    expect(processesOfHome(home)).toEqual([daemon.pid]);
    expect(processesOfHome(home.slice(0, -1))).toEqual([]);
    await expect(waitForEndOfHome(home, 0)).rejects.toThrow(String(daemon.pid));
    const ended = waitForEndOfHome(home, 60_000);
    daemon.stdin.end();
    await ended;
    expect(processesOfHome(home)).toEqual([]);
  },
);
