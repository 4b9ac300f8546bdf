import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type Ended, parseEvents, Sandbox } from "#infra-tests/e2e/sandbox.ts";
import { SeededRandom } from "#infra-tests/simulate/seeded-random.ts";
import { differenceOf, SoakLedger, treeContent, writeTree } from "./soak-ledger.ts";
import { startStore, type StoreKind } from "./soaked-store.ts";

/** What to soak, how long and by how many. */
export type SoakOptions = {
  readonly kind: StoreKind;
  readonly seconds: number;
  readonly seed: number;
  readonly agents: number;
  readonly maintainers: number;
  readonly restorers: number;
};

/** What came of it. */
export type SoakReport = {
  readonly counts: Readonly<Record<string, number>>;
  /** Snapshots at the end, all restored and compared. */
  readonly snapshots: number;
  /** What went wrong; none when all is well. */
  readonly failures: readonly string[];
};

/** Exit codes that may be met when others do as they please: unavailable, conflict, and a snapshot that is gone. */
const mayHappen = [69, 75];
const contents = 30;
const filesMax = 14;
const largestBytes = 120_000;

/**
 * Real processes on one store, for a while: agents that back up, maintainers, restorers, somebody who removes and brings back; one run in five
 * is killed with SIGKILL. At the end everything that is there is read, restored and compared with what was backed up.
 *
 * The grace period is a second, so that packs are swept all the time.
 */
export async function runSoak(options: SoakOptions): Promise<SoakReport> {
  const sandbox = new Sandbox();
  const store = await startStore(options.kind, sandbox);
  try {
    return await new Soak(options, sandbox, { at: ["at", store.location], env: store.env }).run();
  } finally {
    await store.stop();
    sandbox.remove();
  }
}

type Place = { readonly at: readonly string[]; readonly env: Readonly<Record<string, string>> };

class Soak {
  readonly #options: SoakOptions;
  readonly #sandbox: Sandbox;
  readonly #place: Place;
  readonly #random: SeededRandom;
  readonly #ledger = new SoakLedger();
  #untilMs = 0;

  constructor(options: SoakOptions, sandbox: Sandbox, place: Place) {
    this.#options = options;
    this.#sandbox = sandbox;
    this.#place = place;
    this.#random = new SeededRandom(options.seed);
  }

  async run(): Promise<SoakReport> {
    const { agents, maintainers, restorers, seconds } = this.#options;
    await this.#do(
      "creator",
      "create",
      "--plaintext",
      "--grace-period",
      "1s",
      "--chunk-min",
      "1K",
      "--chunk-avg",
      "4K",
      "--chunk-max",
      "64K",
    );
    this.#untilMs = performance.now() + seconds * 1000;
    const all: Promise<void>[] = [this.#again(() => this.#remove())];
    for (let n = 1; n <= agents; n++) all.push(this.#again(() => this.#backUp(n, true)));
    for (let n = 1; n <= maintainers; n++) all.push(this.#again(() => this.#maintain(n)));
    for (let n = 1; n <= restorers; n++) all.push(this.#again(() => this.#restoreOne(n)));
    await Promise.all(all);
    // Nobody disturbs anybody any more.
    for (let n = 1; n <= agents; n++) await this.#backUp(n, false);
    for (let runs = 0; runs < 3; runs++) {
      await this.#do("maintainer-1", "maintenance", "--force", "--orphan-age", "0s");
      await sleep(1500);
    }
    const snapshots = await this.#compareAll();
    const { counts, failures } = this.#ledger;
    return { snapshots, failures, counts: Object.fromEntries([...counts].sort()) };
  }

  async #again(action: () => Promise<void>): Promise<void> {
    while (performance.now() < this.#untilMs && this.#ledger.failures.length === 0) {
      await sleep(this.#random.below(300));
      try {
        await action();
      } catch (error) {
        this.#ledger.failures.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
      }
    }
  }

  async #backUp(agent: number, mayBeKilled: boolean): Promise<void> {
    const { random, ledger } = { random: this.#random, ledger: this.#ledger };
    const source = this.#sandbox.path(`source-${agent}`);
    const files = new Map<string, Uint8Array>();
    for (let n = 0; n < filesMax; n++) {
      if (random.chance(0.6)) files.set(`${n % 3}/${n}`, contentOf(random.below(contents)));
    }
    files.set("always", contentOf(random.below(contents)));
    writeTree(source, files);
    const content = treeContent(source);
    const ended = await this.#run(`agent-${agent}`, ["--json", "backup", source], mayBeKilled);
    if (ended.status === 0) {
      const id = String(parseEvents(ended.stdout).at(-1)?.["snapshot"]);
      ledger.acknowledged.set(id, content);
      return;
    }
    ledger.perhaps.set(source, [...(ledger.perhaps.get(source) ?? []), content]);
    if (!mayBeKilled) ledger.failures.push(`a backup that nobody disturbs ends with ${describe(ended)}`);
  }

  async #maintain(maintainer: number): Promise<void> {
    const age = this.#random.pick(["0s", "2s", "1m"]);
    // While the log is empty, states that killed first backups left are told as a doubt.
    const whateverIfEmpty = this.#ledger.acknowledged.size === 0 ? [3] : [];
    const command = ["maintenance", "--force", "--orphan-age", age];
    await this.#run(`maintainer-${maintainer}`, command, true, whateverIfEmpty);
  }

  /** Removes some snapshots, or brings one back. */
  async #remove(): Promise<void> {
    await sleep(1000);
    const ids = [...this.#ledger.acknowledged.keys()];
    const removed = ids.filter((id) => this.#ledger.perhapsRemoved.has(id));
    if (removed.length > 0 && this.#random.chance(0.3)) {
      await this.#run("remover", ["undelete", this.#random.pick(removed)], true, [66]);
      return;
    }
    const chosen = ids.filter((id) => !this.#ledger.perhapsRemoved.has(id) && this.#random.chance(0.3));
    if (chosen.length === 0) return;
    for (const id of chosen) this.#ledger.perhapsRemoved.add(id);
    await this.#run("remover", ["rm", "--apply", ...chosen], true, [66]);
  }

  /** Restores one snapshot and compares it, if nobody removed it meanwhile. */
  async #restoreOne(restorer: number): Promise<void> {
    const { acknowledged, perhapsRemoved } = this.#ledger;
    const ids = [...acknowledged.keys()].filter((id) => !perhapsRemoved.has(id));
    if (ids.length === 0) return;
    const id = this.#random.pick(ids);
    const target = this.#sandbox.path(`restored-${restorer}`);
    const ended = await this.#restore(`restorer-${restorer}`, id, target, true);
    if (perhapsRemoved.has(id)) this.#ledger.count("removed while it was restored");
    else if (ended.status === 0) this.#compare(id, target);
    rmSync(target, { recursive: true, force: true });
  }

  #restore(who: string, id: string, target: string, mayBeKilled: boolean): Promise<Ended> {
    const whateverIfRemoved = (): readonly number[] => (this.#ledger.perhapsRemoved.has(id) ? [3, 65, 66] : []);
    return this.#run(who, ["restore", id, "--to", target], mayBeKilled, whateverIfRemoved);
  }

  #compare(id: string, target: string): void {
    const { acknowledged, perhaps, failures } = this.#ledger;
    // Below the target lies the whole path of the source.
    const content = treeContent(target);
    const [first = ""] = content.keys();
    const source = /^.*?source-\d+/.exec(first)?.[0] ?? "";
    const found = new Map(Array.from(content, ([path, hash]) => [path.slice(source.length + 1), hash]));
    const expected = acknowledged.get(id);
    const candidates = expected === undefined ? (perhaps.get(`/${source}`) ?? []) : [expected];
    const differences = candidates.map((each) => differenceOf(each, found));
    if (!differences.includes(undefined))
      failures.push(`snapshot ${id} is not as it was backed up: ${differences[0] ?? "nobody made it"}`);
    this.#ledger.count("restored and compared");
  }

  /** Looks at all that is there. @returns how many snapshots */
  async #compareAll(): Promise<number> {
    const { acknowledged, perhapsRemoved, failures } = this.#ledger;
    await this.#do("restorer-1", "check", "--read");
    const listed = parseEvents((await this.#do("restorer-1", "--json", "ls")).stdout).map((each) => String(each["id"]));
    for (const id of acknowledged.keys())
      if (!perhapsRemoved.has(id) && !listed.includes(id)) failures.push(`snapshot ${id} is gone and was not removed`);
    for (const id of listed) {
      const target = this.#sandbox.path("restored-1");
      const { status } = await this.#restore("restorer-1", id, target, false);
      if (status === 0) this.#compare(id, target);
      else failures.push(`snapshot ${id} does not restore: exit code ${status}`);
      rmSync(target, { recursive: true, force: true });
    }
    return listed.length;
  }

  /** Runs the program to its end, which must be a good one. */
  async #do(who: string, ...args: readonly string[]): Promise<Ended> {
    const ended = await this.#run(who, args, false);
    if (ended.status !== 0) this.#ledger.failures.push(`${args.join(" ")} ends with ${describe(ended)}`);
    return ended;
  }

  /** Runs the program as somebody with a home of his own; one run in five is killed if it may be. */
  async #run(
    who: string,
    args: readonly string[],
    mayBeKilled: boolean,
    allowed: readonly number[] | (() => readonly number[]) = [],
  ): Promise<Ended> {
    const { at, env } = this.#place;
    const home = this.#sandbox.path("homes", who);
    const flags = args[0] === "--json" ? ["--json"] : ["--quiet"];
    const words = args[0] === "--json" ? args.slice(1) : args;
    const running = this.#sandbox.start([...flags, ...at, ...words], {
      env: { ...env, XDG_CACHE_HOME: `${home}/cache`, XDG_DATA_HOME: `${home}/data` },
    });
    const killMs = mayBeKilled && this.#random.chance(0.2) ? this.#random.below(3000) : undefined;
    const timer = killMs === undefined ? undefined : setTimeout(() => running.child.kill("SIGKILL"), killMs);
    const ended = await running.ended;
    clearTimeout(timer);
    const verb = words[0] ?? "";
    if (ended.signal === "SIGKILL") this.#ledger.count(`${verb} killed`);
    else {
      this.#ledger.count(`${verb} ended with ${ended.status}`);
      const fine = [0, ...mayHappen, ...(typeof allowed === "function" ? allowed() : allowed)];
      if (!fine.includes(ended.status ?? -1))
        this.#ledger.failures.push(`${who}: ${verb} ends with ${describe(ended)}`);
    }
    return ended;
  }
}

function describe({ status, signal, stdout, stderr }: Ended): string {
  return `${status ?? signal}: ${stderr.slice(-1500)}${stdout.slice(-500)}`;
}

const known = new Map<number, Uint8Array>();

/** The content that a number stands for, the same for everyone. */
function contentOf(number: number): Uint8Array {
  let content = known.get(number);
  if (content === undefined) {
    const parts: Buffer[] = [];
    const lengthBytes = Math.round(largestBytes * (number / contents) ** 2);
    for (let at = 0; at < lengthBytes; at += 32) parts.push(createHash("sha256").update(`${number}/${at}`).digest());
    content = Buffer.concat(parts).subarray(0, lengthBytes);
    known.set(number, content);
  }
  return content;
}
