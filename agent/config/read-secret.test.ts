import { EventEmitter } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { HoldfastError, isHoldfastError } from "#shared/errors.ts";
import { newPassphrase, type SecretSources, withSecret } from "./read-secret.ts";
import type { Secret } from "./secret.ts";

let directory: string;
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), "holdfast-secret-"))));
afterAll(() => rm(directory, { recursive: true }));

const never = new AbortController().signal;

/** A terminal at which somebody types `lines`, one after each question. */
class Typist extends EventEmitter {
  shown = "";
  raw = false;
  closed = false;
  readonly #lines: string[];

  constructor(...lines: string[]) {
    super();
    this.#lines = lines;
  }

  readonly input = Object.assign(this, {
    setRawMode: (raw: boolean) => (this.raw = raw),
    resume: () => setImmediate(() => this.emit("data", Buffer.from(this.#lines.shift() ?? "\x04"))),
    pause: () => {},
  });
  readonly output = { write: (text: string) => (this.shown += text) };
  close(): void {
    this.closed = true;
  }
}

function sources(given: Partial<SecretSources> & { typist?: Typist }): SecretSources {
  const { typist, ...rest } = given;
  return {
    keyfile: undefined,
    passphraseCommand: undefined,
    passphrase: undefined,
    terminal: async () => typist,
    ...rest,
  };
}

/** Accepts `right` only. */
const refuse = (right: string) => async (secret: Secret) => {
  if (secret.form === "passphrase" && secret.passphrase === right) return "open";
  throw new HoldfastError("denied", "wrong");
};

const take = async (secret: Secret) => secret;

test("a key file goes before a command, a command before the variable, the variable before the terminal", async () => {
  const keyfile = join(directory, "key");
  await writeFile(keyfile, "KEY");
  const typist = new Typist("typed\r");
  const all = { keyfile, passphraseCommand: "echo 'from command'", passphrase: "from env", typist };
  expect(await withSecret(sources(all), never, take)).toEqual({
    form: "keyfile",
    content: new Uint8Array(Buffer.from("KEY")),
    path: keyfile,
  });
  expect(await withSecret(sources({ ...all, keyfile: undefined }), never, take)).toMatchObject({
    passphrase: "from command",
  });
  expect(await withSecret(sources({ passphrase: "from env", typist }), never, take)).toMatchObject({
    passphrase: "from env",
  });
  expect(await withSecret(sources({ typist }), never, take)).toMatchObject({ passphrase: "typed" });
});

test("a typed passphrase is not shown, can be corrected, and leaves the terminal as it was", async () => {
  const typist = new Typist("wrong\x15caf\u00e9\u00e9\x7f x\x08y\r");
  expect(await withSecret(sources({ typist }), never, take)).toMatchObject({ passphrase: "caf\u00e9 y" });
  expect(typist.shown).toBe("Passphrase: \n");
  expect(typist.raw).toBe(false);
  expect(typist.closed).toBe(true);
});

test("a typed passphrase may be wrong twice", async () => {
  expect(await withSecret(sources({ typist: new Typist("a\r", "b\r", "c\r") }), never, refuse("c"))).toBe("open");
  const typist = new Typist("a\r", "b\r", "c\r", "d\r");
  await expect(withSecret(sources({ typist }), never, refuse("d"))).rejects.toThrow("wrong");
  expect(typist.shown.match(/Passphrase/g)).toHaveLength(3);
});

test("a passphrase from elsewhere has one try, and other failures than a refusal are not asked about again", async () => {
  let tries = 0;
  const fail = (kind: "denied" | "unavailable") => async () => {
    tries += 1;
    throw new HoldfastError(kind, "no");
  };
  await expect(withSecret(sources({ passphrase: "x" }), never, fail("denied"))).rejects.toThrow("no");
  await expect(withSecret(sources({ typist: new Typist("a\r", "b\r") }), never, fail("unavailable"))).rejects.toThrow(
    "no",
  );
  expect(tries).toBe(2);
});

test("without a terminal the refusal says where a passphrase could come from", async () => {
  const refused = await withSecret(sources({}), never, take).catch((error: unknown) => error);
  expect(isHoldfastError(refused, "denied") && refused.hint).toContain("--keyfile, --passphrase-command");
});

test.each(["\x03", "abc\x03", "\x04"])("typing %j interrupts", async (keys) => {
  await expect(withSecret(sources({ typist: new Typist(keys) }), never, take)).rejects.toMatchObject({
    kind: "interrupted",
  });
});

test("a new passphrase is typed twice alike, within three tries", async () => {
  expect(await newPassphrase(sources({ typist: new Typist("\r", "a\r", "b\r", "c\r", "c\r") }), never)).toBe("c");
  const typist = new Typist("a\r", "b\r", "a\r", "b\r", "a\r", "b\r");
  await expect(newPassphrase(sources({ typist }), never)).rejects.toThrow("not typed twice alike");
});

test.each([
  ["exit 3", "it ended with 3"],
  ["true", "it printed nothing"],
  ["printf 'a\\rb\\n'", "more than one line"],
  ["printf '\\377'", "not UTF-8"],
  ["head -c 100000 /dev/zero", "more than 65536 bytes"],
  ["kill $$", "it ended with SIGTERM"],
])("the passphrase command %j is refused", async (passphraseCommand, message) => {
  await expect(withSecret(sources({ passphraseCommand }), never, take)).rejects.toThrow(message);
});

test("the passphrase command's spaces belong to the passphrase, its newline does not", async () => {
  const secret = await withSecret(sources({ passphraseCommand: "printf ' a b \\r\\n'" }), never, take);
  expect(secret).toMatchObject({ passphrase: " a b " });
});

test.each([
  ["a command that prints without end", "yes"],
  ["lines after it", "printf 'y\\nb\\n'"],
  ["more after it than is kept", "echo y; head -c 200000 /dev/zero"],
  ["a command that goes on", "echo y; exec sleep 1000"],
  ["a command that does not want to end", "trap '' TERM; echo y; while :; do read -r _ </dev/zero; done"],
])("the first line that is printed is the passphrase, and the command is ended: %s", async (_, passphraseCommand) => {
  const secret = await withSecret(
    sources({ passphraseCommand: `echo $$ >${directory}/pid; ${passphraseCommand}` }),
    never,
    take,
  );
  expect(secret).toMatchObject({ passphrase: "y" });
  expectGone(Number(await readFile(join(directory, "pid"), "utf8")));
});

test("a passphrase command that does not answer is ended by the signal", async () => {
  const stop = new AbortController();
  const passphraseCommand = `echo $$ >${directory}/stopped; exec sleep 1000`;
  const asked = withSecret(sources({ passphraseCommand }), stop.signal, take);
  const pid = await vi.waitUntil(async () => Number(await readFile(join(directory, "stopped"), "utf8").catch(() => 0)));
  stop.abort(new HoldfastError("interrupted", "stopped"));
  await expect(asked).rejects.toMatchObject({ kind: "interrupted" });
  expectGone(pid);
});

function expectGone(pid: number): void {
  expect(pid).toBeGreaterThan(1);
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
}

test("a key file of more than 64 KiB is refused, however it is named", async () => {
  const large = join(directory, "large");
  await writeFile(large, Buffer.alloc(64 * 1024 + 1));
  for (const keyfile of [large, "/dev/zero"]) {
    await expect(withSecret(sources({ keyfile }), never, take)).rejects.toMatchObject({
      kind: "invalid",
      message: `Cannot use the key file ${keyfile}: it has more than 64 KiB`,
    });
  }
});

test("no refusal repeats the secret", async () => {
  const secret = "s3cr3t";
  for (const passphraseCommand of [`echo ${secret}; exit 1`, `printf '${secret}\\r${secret}\\n'`]) {
    const refused = await withSecret(sources({ passphraseCommand }), never, take).catch((error: unknown) => error);
    expect(JSON.stringify(refused) + String(refused)).not.toContain(secret);
  }
});

test("an empty passphrase is refused", async () => {
  await expect(withSecret(sources({ passphrase: "" }), never, take)).rejects.toThrow("empty passphrase");
});

test("a key file that is not there is absent", async () => {
  await expect(withSecret(sources({ keyfile: join(directory, "none") }), never, take)).rejects.toMatchObject({
    kind: "absent",
  });
});
