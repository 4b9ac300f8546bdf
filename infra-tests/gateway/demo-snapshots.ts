import { deflateSync } from "node:zlib";
import type { Clock } from "#shared/clock.ts";
import { createSigner } from "#shared/crypto/signing.ts";
import { backup } from "#shared/operations/backup/backup.ts";
import { type ScriptedEntry, scriptedSource } from "#shared/operations/backup/scripted-source.testing.ts";
import { silentReporter } from "#shared/operations/progress.ts";
import { createSmall } from "#shared/operations/small-store.testing.ts";
import { systemRandom } from "#shared/random.ts";
import { openBundle, openRepository, readConfig } from "#shared/repository/open-repository.ts";
import { memoryStore } from "#shared/store/memory-store.ts";
import type { Store } from "#shared/store/store.ts";

/** Names that try to be more than names. */
export const hostileNames = [
  "<img src=x onerror=\"document.title='owned'\">.txt",
  "invoice\u{202e}fdp.exe",
  "a\u{1b}[31mred\nsecond line",
  "javascript:alert(1)",
  "..%2f..%2fetc",
];
/** A page that would take over what shows it. */
export const hostilePage = `<!doctype html><title>x</title><script>document.title="owned";parent.document.title="owned"</script><img src=x onerror="parent.document.title='owned'">`;

const dayMs = 86_400_000;
const firstMs = Date.UTC(2026, 9, 1, 2, 30);

/** A store in memory with snapshots of two hosts over some weeks, of files of many kinds. */
export async function demoStore(snapshots = 12): Promise<Store> {
  const store = memoryStore();
  await createSmall(store);
  for (let day = 0; day < snapshots; day++) {
    const isDatabase = day % 3 === 2;
    const nowMs = firstMs + day * 3.7 * dayMs;
    await backUp(store, nowMs, isDatabase ? databaseFiles(day) : webFiles(day), isDatabase, day);
  }
  return store;
}

async function backUp(
  store: Store,
  nowMs: number,
  entries: ScriptedEntry[],
  isDatabase: boolean,
  day: number,
): Promise<void> {
  const clock: Clock = { nowMs: () => nowMs, sleep: () => Promise.resolve() };
  const read = await readConfig(store);
  const bundle = await openBundle(store, read, () => Promise.reject(new Error("no secret is needed")));
  const signer = createSigner(new Uint8Array(32).fill(9));
  const repository = await openRepository({ store, read, bundle, signer, clock, random: systemRandom });
  const problems =
    day === 4
      ? [
          { path: "/srv/www/private/key.pem", kind: "denied" as const, message: "permission denied" },
          { path: "/srv/www/cache/\u{1b}[2Jx", kind: "unavailable" as const, message: "input/output error" },
        ]
      : [];
  await backup({
    repository,
    importers: [scriptedSource({ root: isDatabase ? "/var/lib/postgres" : "/srv/www", entries, problems })],
    host: isDatabase ? "db1.example.org" : "web1.example.org",
    user: "root",
    name: isDatabase ? "database" : "daily",
    tags: day === 3 ? ["before-upgrade"] : [],
    program: "demo",
    force: false,
    threads: 1,
    uploads: 2,
    reporter: silentReporter,
  });
}

function databaseFiles(day: number): ScriptedEntry[] {
  return Array.from({ length: 30 }, (_, number) => ({
    path: `base/${16_384 + number}`,
    content: noise(2000 + number * 300, number < 4 ? day * 31 + number : number),
    mtimeSec: firstMs / 1000 + (number < 4 ? day : 0) * 86_400,
  }));
}

function webFiles(day: number): ScriptedEntry[] {
  const changed = firstMs / 1000 + day * 86_400;
  const port = day > 5 ? 8443 : 8080;
  const entries: ScriptedEntry[] = [
    { path: "app/server.ts", content: serverText(port, day), mtimeSec: day > 5 ? changed : firstMs / 1000 },
    {
      path: "app/README.md",
      content: `# Shop\n\nThe shop of **Example**.\n\n- port ${port}\n- day ${day}\n`,
      mtimeSec: changed,
    },
    { path: "app/config.json", content: JSON.stringify({ port, cache: { mib: 64, ttl: 300 } }, null, 2) },
    { path: "app/current", type: 3, target: "server.ts" },
    { path: "logo.png", content: picture() },
    { path: "drawing.svg", content: drawing },
    { path: "manual.pdf", content: pdf },
    { path: "sound.wav", content: sound() },
    { path: "evil.html", content: hostilePage },
    { path: "data.bin", content: noise(40_000, 7) },
    { path: "empty.txt", content: "" },
    {
      path: "logs/access.log",
      content: Array.from(
        { length: 400 + day * 40 },
        (_, n) => `10.0.0.${n % 250} GET /item/${n} 200 ${(n * 7919) % 5000}`,
      ).join("\n"),
    },
    ...hostileNames.map((name) => ({
      path: `odd/${Buffer.from(name).toString("latin1").replaceAll("/", "_")}`,
      content: "x",
    })),
    { path: "odd/latin1-\xe9t\xe9", content: "not UTF-8" },
    ...Array.from({ length: 3000 }, (_, n) => ({
      path: `items/item-${String(n).padStart(5, "0")}.json`,
      content: `{"item":${n}}`,
      mtimeSec: firstMs / 1000 - n * 60,
    })),
  ];
  if (day > 3) entries.push({ path: `releases/v1.${day}/notes.txt`, content: `Release 1.${day}\n`, mtimeSec: changed });
  for (const [index, entry] of entries.entries()) {
    if (entry.mtimeSec === undefined) entries[index] = { ...entry, mtimeSec: firstMs / 1000 - index * 40_000 };
  }
  return day > 8 ? entries.filter(({ path }) => path !== "app/config.json") : entries;
}

function serverText(port: number, day: number): string {
  return `import { createServer } from "node:http";
import { readConfig } from "./config.ts";

/** Answers requests of the shop. */
export function serve(port = ${port}): void {
  const config = readConfig();
  const server = createServer((request, response) => {
    // The number of the release
    response.setHeader("x-release", "${day > 5 ? 2 : 1}");
    if (request.url === "/health") {
      response.end("ok");
      return;
    }
${day > 5 ? '    if (config.isReadOnly) response.setHeader("cache-control", "max-age=60");\n' : ""}    response.statusCode = 404;
    response.end(\`nothing at \${request.url}\`);
  });
  server.listen(port, () => console.log("listening at", port));
}
`;
}

const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="240" height="160"><rect width="240" height="160" fill="#e4f0eb"/><circle cx="120" cy="80" r="50" fill="#1c6b58"/><script>document.title="owned"</script></svg>`;
const page = "BT /F1 28 Tf 60 120 Td (The manual of the shop) Tj ET";
const pdf = pdfOf([
  "<</Type/Catalog/Pages 2 0 R>>",
  "<</Type/Pages/Kids[3 0 R]/Count 1>>",
  "<</Type/Page/Parent 2 0 R/MediaBox[0 0 420 240]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
  `<</Length ${page.length}>>stream\n${page}\nendstream`,
  "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
]);

/** A PDF of these objects. */
function pdfOf(objects: readonly string[]): string {
  let text = "%PDF-1.4\n";
  const places: number[] = [];
  for (const [index, object] of objects.entries()) {
    places.push(text.length);
    text += `${index + 1} 0 obj${object}endobj\n`;
  }
  const table = places.map((place) => `${String(place).padStart(10, "0")} 00000 n \n`).join("");
  const count = objects.length + 1;
  return `${text}xref\n0 ${count}\n0000000000 65535 f \n${table}trailer<</Root 1 0 R/Size ${count}>>\nstartxref\n${text.length}\n%%EOF\n`;
}

/** Bytes that do not compress and are the same for the same seed. */
function noise(bytes: number, seed: number): Uint8Array {
  const made = new Uint8Array(bytes);
  let state = (seed + 1) * 2_654_435_761;
  for (let at = 0; at < bytes; at++) {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + at) >>> 0;
    made[at] = state >>> 24;
  }
  return made;
}

/** A PNG of a soft pattern. */
function picture(size = 220): Uint8Array {
  const raw = Buffer.alloc(size * (size * 3 + 1));
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const at = y * (size * 3 + 1) + 1 + x * 3;
      const wave = Math.sin(x / 17) + Math.cos(y / 23);
      raw[at] = 60 + wave * 25;
      raw[at + 1] = 140 + wave * 40;
      raw[at + 2] = 120 + wave * 30;
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0);
  head.writeUInt32BE(size, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, part("IHDR", head), part("IDAT", deflateSync(raw)), part("IEND", Buffer.alloc(0))]);
}

function part(name: string, content: Buffer): Buffer {
  const framed = Buffer.concat([Buffer.from(name, "latin1"), content]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.byteLength);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(checksum(framed));
  return Buffer.concat([length, framed, sum]);
}

/** CRC-32 of PNG. */
function checksum(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** A WAV of a second of a tone. */
function sound(): Uint8Array {
  const samples = 8000;
  const made = Buffer.alloc(44 + samples);
  made.write("RIFF", 0, "latin1");
  made.writeUInt32LE(36 + samples, 4);
  made.write("WAVEfmt ", 8, "latin1");
  made.writeUInt32LE(16, 16);
  made.writeUInt16LE(1, 20);
  made.writeUInt16LE(1, 22);
  made.writeUInt32LE(8000, 24);
  made.writeUInt32LE(8000, 28);
  made.writeUInt16LE(1, 32);
  made.writeUInt16LE(8, 34);
  made.write("data", 36, "latin1");
  made.writeUInt32LE(samples, 40);
  for (let at = 0; at < samples; at++) made[44 + at] = 128 + Math.round(60 * Math.sin(at / 3));
  return made;
}
