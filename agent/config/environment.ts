import { type ProxyVariables, proxyVariablesOf } from "#shared/store/proxy-variables.ts";

/** What the program takes from its environment variables. Nothing else of them is read (the AWS SDK reads its own). */
export type Environment = {
  /** HOLDFAST_STORE: the store when the command line names none. */
  readonly store: string | undefined;
  /** HOLDFAST_PASSPHRASE. It is taken out of `process.env`, so that no child inherits it. */
  readonly passphrase: string | undefined;
  /** HOLDFAST_MOUNT_ACCESS: who may see what `mount` serves, as JSON. Taken out of `process.env` likewise. */
  readonly mountAccess: string | undefined;
  /** HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in capital or small letters. */
  readonly proxies: ProxyVariables;
  /** HOLDFAST_WRAPPER_PID: the process that started this one to run on another Node. Taken out of `process.env` likewise. */
  readonly wrapperPid: number | undefined;
  /** HOLDFAST_SETTLE_SECONDS, in milliseconds: files that changed less than that before they were read are read again next time. */
  readonly settleMs: number | undefined;
  /** HOLDFAST_DEBUG: show stacks. */
  readonly debug: boolean;
  readonly noColor: boolean;
  readonly term: string | undefined;
  /** HOME, or the system's answer when it is not set. */
  readonly home: string;
  /** XDG_CACHE_HOME and XDG_DATA_HOME where they are absolute paths, as the XDG base directory specification asks. */
  readonly xdgCache: string | undefined;
  readonly xdgData: string | undefined;
};

/** Reads `variables` once, and deletes the secrets from them. */
export function readEnvironment(variables: NodeJS.ProcessEnv, home: () => string): Environment {
  const passphrase = variables["HOLDFAST_PASSPHRASE"];
  delete variables["HOLDFAST_PASSPHRASE"];
  const mountAccess = variables["HOLDFAST_MOUNT_ACCESS"] || undefined;
  delete variables["HOLDFAST_MOUNT_ACCESS"];
  const wrapperPid = Number(variables["HOLDFAST_WRAPPER_PID"]) || undefined;
  delete variables["HOLDFAST_WRAPPER_PID"];
  const set = (name: string) => variables[name] || undefined;
  const absolute = (name: string) => (variables[name]?.startsWith("/") ? variables[name] : undefined);
  return {
    store: set("HOLDFAST_STORE"),
    passphrase,
    mountAccess,
    wrapperPid,
    proxies: proxyVariablesOf(variables),
    settleMs: secondsOf(set("HOLDFAST_SETTLE_SECONDS")),
    debug: set("HOLDFAST_DEBUG") !== undefined,
    noColor: set("NO_COLOR") !== undefined,
    term: set("TERM"),
    home: set("HOME") ?? home(),
    xdgCache: absolute("XDG_CACHE_HOME"),
    xdgData: absolute("XDG_DATA_HOME"),
  };
}

function secondsOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) * 1000 : undefined;
}
