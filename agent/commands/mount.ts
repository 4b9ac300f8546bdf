import type { OptionValue } from "#agent/arguments/option-row.ts";
import { parseListener } from "#agent/arguments/parse-listener.ts";
import { HoldfastError } from "#shared/errors.ts";
import { defineCommand } from "./command.ts";
import { expectArguments } from "./expect-arguments.ts";
import { snapshotText } from "./line-options.ts";
import { type MountListener, type MountProtocol, mountProtocols } from "./gateway-port.ts";
import { servingOptions, servingRequest } from "./serving-options.ts";

/** Where a mount listens when nothing is said. */
const usualPort = 8080;

/** `holdfast mount`: serves snapshots until it is stopped. */
export const mount = defineCommand({
  name: "mount",
  summary: "serve snapshots over HTTP, WebDAV or S3, read-only",
  synopsis: ["[options]", "[options] SNAPSHOT[:PATH]", "--hash-password"],
  manual: {
    description: [
      "Serves the store read-only until it is stopped (Ctrl-C, SIGTERM). Without an argument every snapshot is a directory at the top (over S3 a bucket), named by time, host and id; new ones appear as they are committed, removed ones vanish. `latest` is the newest of all, `latest-HOST` the newest of a host, and `latest-HOST-NAME` of a host under that name (a host whose alias another host would have too gets one that ends in 8 more digits). With SNAPSHOT or SNAPSHOT:PATH the top is that snapshot, or that directory in it.",
      snapshotText,
      "Each of --http, --webdav, --s3 and --ui (the web UI of `holdfast ui`) says where that protocol listens; given the same place twice, HTTP is at `/`, WebDAV at `/dav/`, S3 at `/s3/` and the UI at `/ui/`. Without any: HTTP at 127.0.0.1:8080. A place is HOST:PORT, [IPV6]:PORT, or PORT at 127.0.0.1; port 0 takes a free one.",
      "Who begins to read `latest` ends in the same snapshot, even when another backup ends meanwhile: HTTP redirects to the name of the snapshot, tokens of S3 listings name it, and a client (user, address and program) stays in it until it closes its connections or asks for nothing for four minutes. A token whose snapshot is gone is refused. For scripts that ask all the time, name the snapshot.",
      "Over HTTP directories are pages; files come with ranges, tags and times; the page of a directory names all of its entries, and `?limit=N` some; up to 20000 entries can be sorted by size or time. `?tar` and `?zip` after a directory give all that is in it; `?download` after a file saves it. Links are followed inside what is served and never out of it; one that leads to a directory above its page is shown and not linked. Nothing in a served file runs in a browser.",
      "Over WebDAV it is read-only, class 1: a link to a file is that file, a link to a directory is left out of listings, special files are not there; PROPFIND of infinite depth is refused. Windows wants it at the top of a port. Over S3, path style, with signatures of version 4 (boto3 and version 1 of the aws command presign by version 2 unless told otherwise: `aws configure set s3.signature_version s3v4`, `Config(signature_version='s3v4')`), a bucket is a snapshot, and each object in it has one version (what a path was before is in the buckets of other snapshots, and in the history that the web UI shows); keys are paths, a link is an object that holds its target, an empty directory one whose key ends in a slash; mode, owner and time are `x-amz-meta-…` as s3fs and rclone have them. Of names that are no UTF-8 each odd byte is U+10FF00 + byte; so are control characters for clients that ask for no `encoding-type`. A file that the backup could not read is listed and cannot be got. Without --access any S3 key will do.",
      "While it runs the process holds the key of the store, and whoever can reach it sees what it serves. At 127.0.0.1 that is every user of this machine, unless --access is given; requests under another name than localhost or NAME.localhost are refused, so that no web site can read along. Any other address needs --access (or HOLDFAST_MOUNT_ACCESS, the same text) and TLS by --cert and --key, or --insecure-plain where something in front of it encrypts.",
      "Behind a proxy, HTTP and the UI work below any path. WebDAV needs to know that path: name the proxy by --trust-proxy and have it send `X-Forwarded-Prefix` (nginx: `location /backup/ { proxy_pass http://127.0.0.1:8080/; proxy_set_header X-Forwarded-Prefix /backup; proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }`). With `X-Forwarded-Proto` cookies are `Secure`; with `X-Forwarded-For` (or `Forwarded`) limits and the access log count clients, not the proxy. The proxy must set or remove each of these headers. From anybody else they are ignored.",
      'The access file is JSON and must be readable by its owner only: {"users": [{"name", "password" or "passwordHash" ($argon2id$)}], "tokens": [{"name", "token" or "tokenSha256"}], "s3Keys": [{"accessKeyId", "secretAccessKey"}]}. Each may have "allow": {"hosts", "names", "tags", "snapshots": [...], "directory": "/path"}, and then sees nothing else. Users log in by Basic, tokens by Bearer (or as the password of the user `token`).',
      "With --hash-password nothing is served and no store is needed: a password is asked for twice, or comes from --passphrase-command, and what belongs in the access file as `passwordHash` is printed. The store's own passphrase, in HOLDFAST_PASSPHRASE, is not taken for it.",
    ],
    exits: {
      denied: "wrong passphrase or key; or others could reach it, and nobody is asked",
      conflict: "the port is taken",
      absent: "there is no such store, snapshot or path",
    },
    examples: [
      { line: "holdfast mount", does: "Browse all snapshots at http://127.0.0.1:8080/." },
      {
        line: "holdfast mount latest:/srv/www --http 127.0.0.1:9000 --access-log /tmp/mount.log",
        does: "Serve one directory of the newest snapshot of this host, and write a line for each request.",
      },
      {
        line: "holdfast mount --http 0.0.0.0:443 --cert cert.pem --key key.pem --access access.json",
        does: "Serve all snapshots to those whom the access file names.",
      },
      {
        line: "holdfast mount --s3 9000 --webdav 9001",
        does: "Then `AWS_ENDPOINT_URL=http://127.0.0.1:9000 aws s3 sync s3://latest-HOST DIR`; `rclone` or a file manager on port 9001.",
      },
      { line: "holdfast mount --hash-password", does: "Make what the access file keeps of a password." },
    ],
  },
  options: [
    { name: "http", type: "text", value: "PLACE", repeatable: true, description: "Serve HTTP there." },
    { name: "webdav", type: "text", value: "PLACE", repeatable: true, description: "Serve WebDAV there." },
    { name: "s3", type: "text", value: "PLACE", repeatable: true, description: "Serve the S3 protocol there." },
    { name: "ui", type: "text", value: "PLACE", repeatable: true, description: "Serve the web UI there." },
    ...servingOptions,
    {
      name: "hash-password",
      type: "flag",
      description: "Print the hash of a password for the access file, and serve nothing.",
    },
  ],
  async run({ options, globals, positionals, engine, renderer, signal, secretSources }) {
    if (options["hash-password"]) {
      expectArguments("mount --hash-password", positionals, { min: 0, max: 0, wanted: "no arguments" });
      const unused = unusedByHashing({ ...options, ...globals });
      if (unused !== undefined) {
        throw new HoldfastError("invalid", `Cannot use --${unused} with --hash-password: nothing is served or opened`);
      }
      const [{ newPassphrase }, { passwordHash }] = await Promise.all([
        import("#agent/config/read-secret.ts"),
        import("#agent/config/password-hash.ts"),
      ]);
      const terminal = async () => {
        const found = await secretSources.terminal();
        if (found !== undefined) return found;
        throw new HoldfastError("denied", "Cannot ask for the password: there is no terminal", {
          hint: "Use --passphrase-command.",
        });
      };
      const passphraseCommand = globals["passphrase-command"];
      const sources = { keyfile: undefined, passphraseCommand, passphrase: undefined, terminal };
      const hash = await passwordHash(await newPassphrase(sources, signal));
      renderer.result("passwordHash", { passwordHash: hash }, hash);
      return "ok";
    }
    expectArguments("mount", positionals, { min: 0, max: 1, wanted: "one SNAPSHOT[:PATH] or nothing" });
    const [text] = positionals;
    const listeners = gatherListeners(options);
    const opened = await engine();
    await opened.mount(
      {
        ...servingRequest(options, text),
        listeners,
        linkToken: undefined,
      },
      (place) => renderer.result("mounted", place, `${place.protocol} at ${place.url}`),
    );
    return "ok";
  },
});

/** An option that was given beside --hash-password and means nothing there. */
function unusedByHashing(options: Readonly<Record<string, OptionValue>>): string | undefined {
  return [...mountProtocols, ...servingOptions.map(({ name }) => name), "keyfile"].find((name) => {
    const value = options[name];
    return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
  });
}

/** The places by protocol, gathered so that each place is listened at once. */
function gatherListeners(options: { readonly [Name in MountProtocol]: readonly string[] }): MountListener[] {
  const listeners = new Map<string, { host: string; port: number; protocols: MountProtocol[] }>();
  for (const protocol of mountProtocols) {
    for (const text of options[protocol]) {
      const place = parseListener(text);
      const name = `${place.host} ${place.port}`;
      const listener = listeners.get(name) ?? { ...place, protocols: [] };
      if (!listener.protocols.includes(protocol)) listener.protocols.push(protocol);
      listeners.set(name, listener);
    }
  }
  if (listeners.size > 0) return [...listeners.values()];
  return [{ host: "127.0.0.1", port: usualPort, protocols: ["http"] }];
}
