import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SmallHost } from "#agent/engine/small-host.testing.ts";
import { mountOf, serveSmall, type SmallGateway } from "#gateway/small-gateway.testing.ts";
import { clientPath, missing, runClient } from "./real-client.ts";

const many = 1503;
let host: SmallHost;
let small: SmallGateway;

beforeAll(async () => {
  host = await SmallHost.make();
  mkdirSync(`${host.source}/many`);
  for (let index = 0; index < many; index++) writeFileSync(`${host.source}/many/f${index}`, `${index}\n`);
  mkdirSync(`${host.source}/links/dir`, { recursive: true });
  writeFileSync(`${host.source}/links/dir/in.txt`, "in\n");
  for (const [name, target] of Object.entries({ todir: "dir", self: ".", up: "..", gone: "none" }))
    symlinkSync(target, `${host.source}/links/${name}`);
  mkdirSync(`${host.source}/times`);
  for (const year of [1965, 2001, 2096]) {
    writeFileSync(`${host.source}/times/${year}`, "x");
    utimesSync(
      `${host.source}/times/${year}`,
      new Date(`${year}-01-02T00:00:00Z`),
      new Date(`${year}-01-02T00:00:00Z`),
    );
  }
  await host.backup();
  small = await serveSmall(await mountOf(host.store, "snapshot", host.source), {
    listeners: [{ host: "127.0.0.1", port: 0, protocols: ["http", "webdav"] }],
    trustedProxies: ["127.0.0.1"],
  });
}, 60_000);
afterAll(async () => {
  await small.gateway.close(0);
  expect(small.faults).toEqual([]);
  host.remove();
});

const rclone = clientPath("rclone");
const byRclone = (...words: string[]) => runClient("rclone", ["--config", "/dev/null", ...words]);

test.runIf(rclone)(
  `rclone copies every file and every linked directory over HTTP: ${rclone ?? missing("rclone")}`,
  async () => {
    const { stdout, status } = await byRclone("lsf", `:http,url='${small.url}/':many`);
    expect([status, stdout.split("\n").length - 1]).toEqual([0, many]);
    const target = host.path("links by rclone");
    expect((await byRclone("copy", `:http,url='${small.url}/':links`, target)).status).toBe(0);
    expect(readdirSync(target).sort()).toEqual(["dir", "todir"]);
    expect(readFileSync(`${target}/todir/in.txt`, "utf8")).toBe("in\n");
  },
);

const lftp = clientPath("lftp");
test.runIf(lftp)(`lftp mirrors every file, and comes to an end among links: ${lftp ?? missing("lftp")}`, async () => {
  const target = host.path("by lftp");
  mkdirSync(target);
  const script = `open ${small.url}/; mirror many; mirror links`;
  const { status, stderr } = await runClient("lftp", ["-c", script], { cwd: target });
  expect(status, stderr).toBe(0);
  expect(readdirSync(`${target}/many`)).toHaveLength(many);
  expect(readdirSync(`${target}/links`).sort()).toEqual(["dir", "todir"]);
  expect(readFileSync(`${target}/links/todir/in.txt`, "utf8")).toBe("in\n");
});

const wget = clientPath("wget");
test.runIf(wget)(`wget -r takes each file once, and no archive: ${wget ?? missing("wget")}`, async () => {
  const target = host.path("by wget");
  mkdirSync(target);
  const { status, stderr } = await runClient("wget", ["-q", "-r", "-np", "-nH", `${small.url}/`], { cwd: target });
  expect(status, stderr).toBe(0);
  expect(readdirSync(`${target}/many`).filter((name) => name !== "index.html")).toHaveLength(many);
  const all = readdirSync(target, { recursive: true }).map(String);
  expect(all.filter((name) => name.includes("?"))).toEqual([]);
});

const cadaver = clientPath("cadaver");
test.runIf(cadaver)(`cadaver lists files of any time: ${cadaver ?? missing("cadaver")}`, async () => {
  const input = "ls times\nquit\n";
  const { stdout } = await runClient("cadaver", [`${small.url}/dav/`], { input, env: { HOME: host.directory } });
  expect(stdout).not.toContain("Error");
  for (const year of [1965, 2001, 2096]) expect(stdout).toMatch(new RegExp(`${year}\\s+1`));
});

test.runIf(rclone)(
  `rclone gets times before 1970 and in the future over WebDAV: ${rclone ?? missing("rclone")}`,
  async () => {
    const { stdout } = await byRclone("lsl", `:webdav,url='${small.url}/dav/':times`);
    for (const year of [1965, 2001, 2096]) expect(stdout).toContain(`${year}-01-02 `);
  },
);

const java = clientPath("java");
test.runIf(java)(
  `Java reads a zip as a stream: ${java ?? missing("java")}`,
  async () => {
    const zip = host.path("java.zip");
    writeFileSync(zip, Buffer.from(await (await fetch(`${small.url}/links/?zip`)).arrayBuffer()));
    const program = host.path("ReadZip.java");
    writeFileSync(
      program,
      `import java.io.*; import java.util.zip.*;
class ReadZip { public static void main(String[] a) throws Exception { ZipInputStream z = new ZipInputStream(new FileInputStream(a[0]));
for (ZipEntry e; (e = z.getNextEntry()) != null; ) System.out.println(e.getName() + " " + z.readAllBytes().length); } }`,
    );
    const { status, stdout, stderr } = await runClient("java", [program, zip]);
    expect(status, stderr).toBe(0);
    expect(stdout).toContain("links/dir/in.txt 3");
  },
  60_000,
);

const busybox = clientPath("busybox");
test.runIf(busybox)(`busybox unpacks a zip: ${busybox ?? missing("busybox")}`, async () => {
  const zip = host.path("busybox.zip");
  writeFileSync(zip, Buffer.from(await (await fetch(`${small.url}/links/?zip`)).arrayBuffer()));
  const { status, stderr } = await runClient("busybox", ["unzip", zip, "-d", host.path("by busybox")]);
  expect(status, stderr).toBe(0);
  expect(readFileSync(`${host.path("by busybox")}/links/dir/in.txt`, "utf8")).toBe("in\n");
});

describe("behind nginx with a path of its own", () => {
  const nginx = existsSync("/usr/sbin/nginx") ? "/usr/sbin/nginx" : clientPath("nginx");
  let server: ChildProcess | undefined;
  let url = "";
  beforeAll(async () => {
    if (nginx === undefined) return;
    const home = host.path("nginx");
    mkdirSync(home);
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (name) => `${name}_temp_path ${home}/${name};`,
    );
    const pass = (path: string, inner: string): string =>
      `location ${path}/ { proxy_pass ${small.url}${inner}/; proxy_set_header X-Forwarded-Prefix ${path.slice(0, path.length - inner.length)}; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }`;
    writeFileSync(
      `${home}/nginx.conf`,
      `daemon off; pid ${home}/pid; error_log ${home}/error.log; ${process.getuid?.() === 0 ? "user root;" : ""} events {}
http { access_log off; ${temporary.join(" ")} server { listen 127.0.0.1:${port}; ${pass("/backup/dav", "/dav")} ${pass("/backup", "")} } }`,
    );
    server = spawn(nginx, ["-p", home, "-c", `${home}/nginx.conf`], { stdio: "ignore" });
    for (;;) {
      try {
        await (await fetch(url)).arrayBuffer();
        return;
      } catch {
        if (server.exitCode !== null) throw new Error(readFileSync(`${home}/error.log`, "utf8"));
        await new Promise((resolve) => setTimeout(resolve, 20)); // it does not listen yet
      }
    }
  });
  afterAll(async () => {
    if (server === undefined || server.exitCode !== null) return;
    const ended = once(server, "exit");
    server.kill("SIGTERM");
    await ended;
  });

  const name = nginx === undefined ? missing("nginx") : rclone === undefined ? missing("rclone") : "";
  test.runIf(name === "")(`rclone finds everything over HTTP and WebDAV: ${name}`, async () => {
    for (const remote of [`:http,url='${url}/backup/':`, `:webdav,url='${url}/backup/dav/':`]) {
      const { status, stdout } = await byRclone("lsf", "-R", "--files-only", `${remote}many`);
      expect([remote, status, stdout.split("\n").length - 1]).toEqual([remote, 0, many]);
      const target = host.path(`through nginx ${remote.slice(1, 5)}`);
      expect((await byRclone("copy", `${remote}links/dir`, target)).status).toBe(0);
      expect(readFileSync(`${target}/in.txt`, "utf8")).toBe("in\n");
    }
  });

  test.runIf(nginx)(`redirects lead to where they are: ${nginx ?? missing("nginx")}`, async () => {
    const response = await fetch(`${url}/backup/links/todir`);
    expect([response.status, response.url]).toEqual([200, `${url}/backup/links/todir/`]);
  });
});

async function freePort(): Promise<number> {
  const { createServer } = await import("node:net");
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}
