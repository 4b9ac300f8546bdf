import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { HoldfastError } from "#shared/errors.ts";
import { machineCpuSeconds, ticksPerSecond } from "./machine-cpu-seconds.ts";
import type { Command } from "./tool.ts";

/** What one run of a program cost. */
export type Measurement = {
  readonly wallSeconds: number;
  /** CPU time in user space of the program and of all children that it waited for; undefined when nothing can tell. */
  readonly userSeconds: number | undefined;
  /** The same in the kernel. */
  readonly systemSeconds: number | undefined;
  /** Peak resident memory of the largest process among the program and the children that it waited for. */
  readonly peakRssBytes: number | undefined;
  /** CPU time that the rest of the machine used meanwhile: the noise of the measurement. */
  readonly othersCpuSeconds: number | undefined;
  /** Load average of the last minute, at the start. */
  readonly loadAverage: number;
};

/** What `measure` needs beside the command. */
export type MeasureOptions = {
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** A directory for GNU time's report. */
  readonly scratch: string;
  /** Path of GNU time, or undefined to measure wall time and sampled memory only. */
  readonly gnuTime: string | undefined;
};

/** Bytes of a program's output that are kept for the error, from its end. */
const outputTailBytes = 4096;

/**
 * Runs a command to its end and tells what it cost.
 *
 * With GNU time the numbers are wait4's. Without it, memory is VmHWM of the program itself, read from /proc every 20 ms, and CPU
 * time is its last utime and stime seen there: a little too low.
 *
 * Errors: `internal` when the program cannot be started or ends with another exit code than 0; the end of its output is in the
 * message.
 */
export async function measure(command: Command, options: MeasureOptions): Promise<Measurement> {
  const report = join(options.scratch, "time-report");
  rmSync(report, { force: true });
  const [program, args] =
    options.gnuTime === undefined
      ? [command.program, command.args]
      : [options.gnuTime, ["-q", "-o", report, "-f", "%U %S %M", command.program, ...command.args]];
  const loadAverage = loadavg()[0] ?? 0;
  const busyBefore = machineCpuSeconds();
  const ownBefore = process.cpuUsage();
  const start = performance.now();
  const child = spawn(program, args, {
    cwd: command.cwd ?? options.cwd,
    env: options.environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let tail = Buffer.alloc(0);
  const keep = (data: Buffer) => {
    tail = Buffer.concat([tail, data]).subarray(-outputTailBytes);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const sampler = options.gnuTime === undefined && child.pid !== undefined ? sampleProcess(child.pid) : undefined;
  const ended = await new Promise<{ code: number | null; signal: string | null; wallSeconds: number }>(
    (resolve, reject) => {
      child.once("error", reject);
      let wallSeconds = 0;
      // A daemon that the program left behind may hold the pipes open: time stops at the program's own end.
      child.once("exit", (code, signal) => {
        wallSeconds = (performance.now() - start) / 1000;
        setTimeout(() => {
          child.stdout.destroy();
          child.stderr.destroy();
          resolve({ code, signal, wallSeconds });
        }, 20);
      });
    },
  ).catch((cause: unknown) => {
    throw new HoldfastError("internal", `Cannot run ${program}: ${String(cause)}`, { cause });
  });
  const busyAfter = machineCpuSeconds();
  const own = process.cpuUsage(ownBefore);
  const cost = sampler === undefined ? readTimeReport(report) : sampler.stop();
  if (ended.code !== 0) {
    throw new HoldfastError(
      "internal",
      `${command.program} ${command.args.join(" ")} ended with ${ended.signal ?? `exit code ${String(ended.code)}`}:\n${tail.toString("utf8")}`,
    );
  }
  const others =
    busyBefore === undefined || busyAfter === undefined || cost.userSeconds === undefined
      ? undefined
      : busyAfter - busyBefore - cost.userSeconds - (cost.systemSeconds ?? 0) - (own.user + own.system) / 1e6;
  return {
    wallSeconds: ended.wallSeconds,
    ...cost,
    othersCpuSeconds: others === undefined ? undefined : Math.max(0, others),
    loadAverage,
  };
}

type Cost = Pick<Measurement, "userSeconds" | "systemSeconds" | "peakRssBytes">;

function readTimeReport(path: string): Cost {
  const line = existsSync(path) ? readFileSync(path, "utf8").trim().split("\n").at(-1) : undefined;
  const [user, system, rssKib] = (line ?? "").split(" ").map(Number);
  if (user === undefined || system === undefined || rssKib === undefined || !Number.isFinite(rssKib)) {
    return { userSeconds: undefined, systemSeconds: undefined, peakRssBytes: undefined };
  }
  return { userSeconds: user, systemSeconds: system, peakRssBytes: rssKib * 1024 };
}

function sampleProcess(pid: number): { stop(): Cost } {
  let cost: Cost = { userSeconds: undefined, systemSeconds: undefined, peakRssBytes: undefined };
  const sample = () => {
    try {
      const rss = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
      // The program's name, in parentheses, may hold spaces; utime and stime are fields 14 and 15.
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
      if (rss === undefined) return;
      cost = {
        userSeconds: Number(fields[11]) / ticksPerSecond,
        systemSeconds: Number(fields[12]) / ticksPerSecond,
        peakRssBytes: Number(rss) * 1024,
      };
    } catch {
      // The process has ended (or this is no Linux): the last sample stands.
    }
  };
  const timer = setInterval(sample, 20);
  sample();
  return {
    stop() {
      clearInterval(timer);
      return cost;
    },
  };
}
