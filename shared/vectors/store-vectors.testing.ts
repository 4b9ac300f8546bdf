import { encodeBundle } from "#shared/crypto/bundle.ts";
import { deriveKeys } from "#shared/crypto/derive-keys.ts";
import { encodeRecoveryKey } from "#shared/crypto/recovery-key.ts";
import { sha256 } from "#shared/crypto/sha256.ts";
import { encodeConfig, type StoreConfig } from "#shared/format/config.ts";
import { encodeErrorList } from "#shared/format/error-list.ts";
import { idFromBytes } from "#shared/format/ids.ts";
import { encodeKeySlot } from "#shared/format/key-slot.ts";
import { encodeLogEntry, type LogEvent } from "#shared/format/log-entry.ts";
import type { SnapshotHeader } from "#shared/format/snapshot.ts";
import { publicSecret } from "#shared/repository/public-secret.ts";
import { configKey, keySlotKey, logKey } from "#shared/store/object-key.ts";
import { makeSlot } from "./config-vectors.testing.ts";
import { sign, signer, vectorTimeMs } from "./fixed-store.testing.ts";
import { laterFiles, type TinyFile, tinyFiles } from "./tiny-files.testing.ts";
import { tinyMaintenance } from "./tiny-maintenance.testing.ts";
import { TinySession, type TinyStore } from "./tiny-session.testing.ts";
import { seededBytes, seededRandom, type Vector } from "./vector.testing.ts";

/** Whole stores that must open and restore for ever: one sealed, one that anyone can read. */
export async function storeVectors(): Promise<Vector[]> {
  return [
    await tinyStore({
      name: "sealed",
      secrecy: "sealed",
      many: 300,
      about: "A sealed store: two snapshots, a third one removed, every type of entry.",
    }),
    await tinyStore({
      name: "plaintext",
      secrecy: "public",
      many: 10,
      about: "Fewer files in a store that anyone can read.",
    }),
    await tinyStore({
      name: "maintained",
      secrecy: "public",
      many: 10,
      isMaintained: true,
      about:
        "A store whose packs were relocated, some of them twice, condemned, revived and swept; a removed snapshot is gone. States name packs that are not there.",
    }),
  ];
}

async function tinyStore(options: {
  readonly name: string;
  readonly secrecy: StoreConfig["secrecy"];
  readonly many: number;
  readonly about: string;
  readonly isMaintained?: boolean;
}): Promise<Vector> {
  const { name, secrecy, many, about } = options;
  const storeId = idFromBytes("store", seededBytes(`tiny store ${name}`, 16));
  const masterSecret = secrecy === "public" ? publicSecret(storeId) : seededBytes(`tiny master secret ${name}`, 32);
  const keys = await deriveKeys(masterSecret);
  const config: StoreConfig = {
    storeId,
    createdMs: vectorTimeMs,
    secrecy,
    chunker: { id: "fastcdc-gear64-v1", minBytes: 64, avgBytes: 256, maxBytes: 1024 },
    segmentBytes: 8192,
    packBytes: 65_536,
    compression: { id: "zstd", level: 3 },
    publicKey: keys.hpke.publicKey,
    graceMs: 0,
  };
  const configBytes = encodeConfig(config);
  const objects = new Map<string, Uint8Array>([[configKey, configBytes]]);
  const secret = seededBytes("holdfast vectors, recovery secret", 32);
  if (secrecy === "sealed") {
    const bundle = encodeBundle({ role: "owner", masterSecret });
    const store = { storeId, configSha256: sha256(configBytes) };
    const argon2id = {
      kind: "argon2id",
      salt: seededBytes("tiny slot salt", 16),
      memoryKiB: 64,
      passes: 2,
      parallelism: 1,
    } as const;
    const hkdf = { kind: "hkdf-sha256", salt: seededBytes("tiny recovery salt", 16) } as const;
    for (const [label, derivation] of [
      ["first passphrase", argon2id],
      ["recovery key", hkdf],
    ] as const) {
      const slot = await makeSlot({ name: `tiny ${label}`, label, derivation, bundle, role: "owner", store });
      objects.set(keySlotKey(slot.slotId), encodeKeySlot(slot));
    }
  }
  const tiny: TinyStore = {
    config,
    keys,
    random: seededRandom(`tiny store ${name}`),
    objects,
    places: new Map(),
    packRows: new Map(),
  };
  await writeLog(tiny, many, options.isMaintained ?? false);
  return {
    structure: "store",
    name,
    about,
    context:
      secrecy === "public"
        ? {}
        : { passphrase: "correct horse battery staple", recoveryKey: encodeRecoveryKey(secret) },
    input: Object.fromEntries([...objects].map(([key, bytes]) => [key, Buffer.from(bytes).toString("base64")])),
    expect: "success",
    zstd: true,
  };
}

async function writeLog(tiny: TinyStore, many: number, isMaintained: boolean): Promise<void> {
  const published: LogEvent[] = [];
  for (const [index, files] of [tinyFiles(many), tinyFiles(many).slice(0, 3), laterFiles(many)].entries()) {
    published.push(await snapshot(tiny, index, files));
  }
  const [first, second, third] = published;
  if (first === undefined || second?.type !== "commit" || third === undefined)
    throw new TypeError("A snapshot is missing");
  const events: LogEvent[][] = [[first], [second], [third], [{ type: "remove", snapshots: [second.stateId] }]];
  if (isMaintained) events.push(...tinyMaintenance(tiny, second.stateId));
  let prev: Uint8Array = new Uint8Array(32);
  for (const [index, each] of events.entries()) {
    const commitId = idFromBytes("commit", tiny.random(16));
    const entry = {
      storeId: tiny.config.storeId,
      seq: index + 1,
      prev,
      timeMs: vectorTimeMs + index,
      commitId,
      author: signer.publicKey,
      events: each,
    };
    const bytes = encodeLogEntry(entry, sign);
    tiny.objects.set(logKey(index + 1), bytes);
    prev = sha256(bytes);
  }
}

async function snapshot(tiny: TinyStore, index: number, files: readonly TinyFile[]): Promise<LogEvent> {
  const session = await TinySession.begin(tiny);
  const tree = session.writeTree(files);
  const errors = [
    { path: "/srv/data/unreadable", kind: "EACCES", message: "Permission denied" },
    { path: "/srv/data/changing", kind: "changed", message: "The file changed while it was read." },
  ];
  const header: SnapshotHeader = {
    timeMs: vectorTimeMs + index * 1000,
    durationMs: 10,
    host: "tiny.example",
    user: "root",
    name: "default",
    tags: [`number-${index}`],
    program: "vectors",
    sources: [
      {
        type: "filesystem",
        origin: "tiny.example",
        root: "/srv/data",
        options: new Map(),
        tree,
        userNames: new Map([
          ["0", "root"],
          ["1000", "ann"],
        ]),
        groupNames: new Map([
          ["0", "root"],
          ["1000", "ann"],
        ]),
      },
    ],
    parent: undefined,
    errorCount: 1,
    errorList: index === 0 ? idFromBytes("blob", session.writeBlob("meta", encodeErrorList(errors))) : undefined,
    lost: [],
  };
  const staged = await session.stage(header, { commitId: idFromBytes("commit", tiny.random(16)), baseSeq: index });
  return { type: "commit", ...staged, revive: [] };
}
