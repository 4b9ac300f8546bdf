#!/usr/bin/env node
/*
 * The door of the agent: a file that every Node since 12.17 can read. A Node that is new enough runs the program in this
 * process; an older one starts the Node that is installed beside the package, and is its shadow: same streams, same
 * signals, same end. A script, not a module: Node starts a module by way of all that its streams need.
 */
const { existsSync, lstatSync, mkdirSync, readFileSync } = require("fs");
const { enableCompileCache } = require("module");
const { homedir } = require("os");
const path = require("path");

const wanted = [24, 15];
const exitIncompatible = 78;

if (isEnough(process.versions.node)) run();
else restart();

function run() {
  leaveOwnerItsRights();
  const cache = compileCacheDirectory();
  if (cache !== undefined && typeof enableCompileCache === "function") enableCompileCache(cache);
  if (!isInstalled()) {
    import("./main.ts").catch(failStart);
    return;
  }
  const program = path.join(__dirname, "..", "dist", "start.cjs");
  if (!existsSync(program)) {
    fail(
      "Cannot start: this copy of the package was not built",
      "Run `npm pack` in the sources, and install the file that it makes.",
    );
    return;
  }
  try {
    require(program);
  } catch (error) {
    failStart(error);
  }
}

function failStart(error) {
  console.error(error);
  process.exitCode = 70;
}

/** What this program makes for itself it must be able to use, whatever umask it was started with. */
function leaveOwnerItsRights() {
  const umask = process.umask(0o077);
  process.umask(umask & 0o077);
}

/** Whether it is a package that runs what was built: Node would refuse TypeScript below a node_modules directory. */
function isInstalled() {
  return /[\\/]node_modules[\\/]/.test(__filename);
}

/**
 * A directory for compiled code that only this user can write to: whoever can write there decides what the program does.
 * (Node's own choice is below the system's temporary directory.)
 */
function compileCacheDirectory() {
  const set = process.env.XDG_CACHE_HOME;
  try {
    const cache = path.join(
      set !== undefined && set.startsWith("/") ? set : path.join(homedir(), ".cache"),
      "holdfast",
    );
    const directory = path.join(cache, "compiled");
    makeDirectory(directory);
    const isOurs = [cache, directory].every((each) => {
      const found = lstatSync(each);
      return found.isDirectory() && found.uid === process.getuid() && (found.mode & 0o022) === 0;
    });
    return isOurs ? directory : undefined;
  } catch {
    return undefined;
  }
}

/** Not by Node's own recursive way, which never returns where a directory cannot be made, as below /proc. */
function makeDirectory(directory) {
  const above = path.dirname(directory);
  if (above !== directory && !existsSync(above)) makeDirectory(above);
  if (!existsSync(directory)) mkdirSync(directory, { mode: 0o700 });
}

function restart() {
  const node = installedNode();
  if (node === undefined) {
    fail(
      `Cannot start on Node ${process.versions.node}: version ${wanted.join(".")} or newer is needed`,
      "Install Node 24, or install this package again with its optional packages: one of them is Node 24.",
    );
    return;
  }
  const args = [__filename].concat(process.argv.slice(2));
  if (typeof process.execve === "function") process.execve(node, [node].concat(args), process.env);
  const { spawn } = require("child_process");
  const env = Object.assign({}, process.env, { HOLDFAST_WRAPPER_PID: String(process.pid) });
  shadow(spawn(node, args, { stdio: "inherit", env }), node);
}

/** Lives and ends as `child` does. A Ctrl-C reaches both from the terminal; the program knows a signal that comes twice. */
function shadow(child, node) {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGCONT"];
  const pass = (signal) => child.kill(signal);
  for (const signal of signals) process.on(signal, pass);
  child.on("error", (error) => fail(`Cannot start ${node}: ${error.message}`, "Run `npm ci` again in the package."));
  child.on("exit", (code, signal) => {
    for (const each of signals) process.removeListener(each, pass);
    if (signal === null) process.exitCode = code;
    else process.kill(process.pid, signal);
  });
}

/** The Node that npm installed for this package, if it is new enough: in its node_modules, or in those around it. */
function installedNode() {
  const name = `node-${process.platform}-${process.arch}`;
  for (
    let directory = __dirname, above = "";
    directory !== above;
    above = directory, directory = path.dirname(directory)
  ) {
    const root = path.join(directory, "node_modules", name);
    const node = path.join(root, "bin", "node");
    if (existsSync(node) && isEnough(versionOf(root))) return node;
  }
  return undefined;
}

function versionOf(root) {
  try {
    return String(JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")).version);
  } catch {
    return "0.0";
  }
}

function isEnough(version) {
  const [major, minor] = version.split(".").map(Number);
  return major > wanted[0] || (major === wanted[0] && minor >= wanted[1]);
}

function fail(message, hint) {
  console.error(`holdfast: ${message} (incompatible, exit code ${exitIncompatible})\n  hint: ${hint}`);
  process.exitCode = exitIncompatible;
}
