import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { buildPage } from "./build-page.ts";

const [, , directory = fileURLToPath(new URL("./built", import.meta.url))] = process.argv;
await buildPage(resolve(directory));
