import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { checkpointPartVectors } from "./checkpoint-vectors.testing.ts";
import { configVectors } from "./config-vectors.testing.ts";
import { cryptoVectors } from "./crypto-vectors.testing.ts";
import { logVectors } from "./log-vectors.testing.ts";
import { packVectors } from "./pack-vectors.testing.ts";
import { readVector } from "./reader.testing.ts";
import { stateVectors } from "./state-vectors.testing.ts";
import { storeVectors } from "./store-vectors.testing.ts";
import { treeNodeVectors } from "./tree-vectors.testing.ts";
import { type Vector, vectorText } from "./vector.testing.ts";
import { readWholeStore, secretsOf, storeOf } from "./whole-store.testing.ts";

/**
 * Makes all vectors anew from their seeds: the same bytes every time, by the same version of zstd.
 *
 * Run as a program with `--write` it writes those whose file is not there yet. It never changes a file: what is committed must decode
 * for ever. To replace a vector, delete its file and say why.
 */
export async function generateVectors(): Promise<Vector[]> {
  const vectors = [
    ...(await cryptoVectors()),
    ...(await configVectors()),
    ...(await packVectors()),
    ...treeNodeVectors(),
    ...(await stateVectors()),
    ...logVectors(),
    ...checkpointPartVectors(),
    ...(await storeVectors()),
  ];
  return Promise.all(vectors.map((vector) => (vector.expect === "success" ? withValue(vector) : vector)));
}

async function withValue(vector: Vector): Promise<Vector> {
  if (vector.structure !== "store") return { ...vector, value: await readVector(vector) };
  return { ...vector, value: await readWholeStore(await storeOf(vector), secretsOf(vector)[0]) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const vector of await generateVectors()) {
    const folder = fileURLToPath(new URL(`./${vector.structure}/`, import.meta.url));
    const path = `${folder}${vector.name}.json`;
    if (!process.argv.includes("--write")) {
      process.stdout.write(`${vector.structure}/${vector.name}\n`);
      continue;
    }
    mkdirSync(folder, { recursive: true });
    try {
      writeFileSync(path, vectorText(vector), { flag: "wx" });
      process.stdout.write(`wrote ${vector.structure}/${vector.name}\n`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}
