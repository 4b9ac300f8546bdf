import { existsSync, readFileSync } from "node:fs";

/** A Wycheproof file, as far as all of them agree. `Group` and `Test` are what the file's own schema adds. */
export type Wycheproof<Group, Test> = {
  readonly testGroups: readonly (Group & { readonly tests: readonly (WycheproofTest & Test)[] })[];
};

type WycheproofTest = {
  readonly tcId: number;
  readonly comment: string;
  readonly flags: readonly string[];
  readonly result: "valid" | "invalid" | "acceptable";
};

const folder = new URL("../../../shared/judges/", import.meta.url);

/** Reads an outside judge's test vectors from beside the project, or says loudly that they are not there. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the schema is the file's, known to the caller
export function readJudge<Judge>(name: string): Judge | undefined {
  const file = new URL(name, folder);
  if (!existsSync(file)) {
    process.stderr.write(`\nSKIPPED: the judge ${file.pathname} is not there, so its vectors are not run\n\n`);
    return undefined;
  }
  const judge: Judge = JSON.parse(readFileSync(file, "utf8"));
  return judge;
}

/** Bytes from hexadecimal digits; spaces and line ends between them do not matter. */
export function hex(digits: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(digits.replaceAll(/\s/g, ""), "hex"));
}
