import { HoldfastError } from "#shared/errors.ts";
import type { Grant } from "./grant.ts";

/** Who may ask, as configured. Names are for people and the access log. */
export type AccessConfig = {
  readonly users: readonly { readonly name: string; readonly secret: StoredSecret; readonly grant: Grant }[];
  readonly tokens: readonly { readonly name: string; readonly secret: StoredSecret; readonly grant: Grant }[];
  readonly s3Keys: readonly {
    readonly name: string;
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly grant: Grant;
  }[];
};

/** A secret as it is written, an Argon2id hash in PHC form (`$argon2id$…`), or a SHA-256 (of tokens, which are long and random). */
export type StoredSecret =
  | { readonly form: "plain"; readonly text: string }
  | { readonly form: "argon2id"; readonly hash: string }
  | { readonly form: "sha256"; readonly hex: string };

/** Characters that a plain token must have: it is guarded by nothing but its length. */
const tokenCharactersMin = 20;
/** Kibibytes of memory that a configured hash may ask for. */
const argon2KibMax = 1024 * 1024;

/**
 * Reads the configuration of access from JSON:
 *
 * `{ "users": [{ "name", "password" | "passwordHash", "allow"? }], "tokens": [{ "name", "token" | "tokenSha256", "allow"? }],
 * "s3Keys": [{ "name"?, "accessKeyId", "secretAccessKey", "allow"? }] }`, where `allow` is `{ "hosts"?, "names"?, "tags"?, "snapshots"?: [...],
 * "directory"?: "/path" }`.
 *
 * @param where - what the text is, for messages: a path, the name of a variable
 * @throws {HoldfastError} invalid: it is something else. No message holds a secret
 */
export function readAccessConfig(json: string, where: string): AccessConfig {
  const fail = (reason: string): never => {
    throw new HoldfastError("invalid", `Cannot use the access rules in ${where}: ${reason}`);
  };
  let root: unknown;
  try {
    root = JSON.parse(json);
  } catch {
    return fail("they are no JSON"); // what the parser says would show a part of the text
  }
  const top = objectOf(root, "they are no object", fail);
  only(top, ["users", "tokens", "s3Keys"], "the rules", fail);
  const users = listOf(top["users"], "users", fail).map((user, index) => {
    const what = `user ${index + 1}`;
    only(user, ["name", "password", "passwordHash", "allow"], what, fail);
    const name = textOf(user["name"], `${what} has no name`, fail);
    if (name.includes(":")) fail(`${what} has a colon in the name`);
    const hash = user["passwordHash"];
    if ((hash === undefined) === (user["password"] === undefined))
      fail(`${what} needs one of password and passwordHash`);
    const secret: StoredSecret =
      hash === undefined
        ? { form: "plain", text: textOf(user["password"], `the password of ${what} is empty`, fail) }
        : { form: "argon2id", hash: argon2Hash(hash, what, fail) };
    return { name, secret, grant: grantOf(user["allow"], what, fail) };
  });
  const tokens = listOf(top["tokens"], "tokens", fail).map((token, index) => {
    const what = `token ${index + 1}`;
    only(token, ["name", "token", "tokenSha256", "allow"], what, fail);
    const name = textOf(token["name"], `${what} has no name`, fail);
    const hex = token["tokenSha256"];
    if ((hex === undefined) === (token["token"] === undefined)) fail(`${what} needs one of token and tokenSha256`);
    if (hex !== undefined && (typeof hex !== "string" || !/^[0-9a-f]{64}$/i.test(hex)))
      fail(`the hash of ${what} is no SHA-256`);
    const text = hex === undefined ? textOf(token["token"], `${what} is empty`, fail) : "";
    if (hex === undefined && text.length < tokenCharactersMin)
      fail(`${what} has less than ${tokenCharactersMin} characters`);
    const secret: StoredSecret =
      typeof hex === "string" ? { form: "sha256", hex: hex.toLowerCase() } : { form: "plain", text };
    return { name, secret, grant: grantOf(token["allow"], what, fail) };
  });
  const s3Keys = listOf(top["s3Keys"], "s3Keys", fail).map((key, index) => {
    const what = `S3 key ${index + 1}`;
    only(key, ["name", "accessKeyId", "secretAccessKey", "allow"], what, fail);
    const accessKeyId = textOf(key["accessKeyId"], `${what} has no accessKeyId`, fail);
    if (!/^[\w-]{3,128}$/.test(accessKeyId))
      fail(`the accessKeyId of ${what} is not of 3 to 128 letters, digits, "_" and "-"`);
    const secretAccessKey = textOf(key["secretAccessKey"], `${what} has no secretAccessKey`, fail);
    if (secretAccessKey.length < tokenCharactersMin)
      fail(`the secret of ${what} has less than ${tokenCharactersMin} characters`);
    const name = key["name"] === undefined ? accessKeyId : textOf(key["name"], `${what} has no name`, fail);
    return { name, accessKeyId, secretAccessKey, grant: grantOf(key["allow"], what, fail) };
  });
  const names = (kind: string, list: readonly string[]): void => {
    if (new Set(list).size < list.length) fail(`two ${kind} have the same name`);
  };
  names(
    "users",
    users.map((user) => user.name),
  );
  names(
    "S3 keys",
    s3Keys.map((key) => key.accessKeyId),
  );
  if (users.length + tokens.length + s3Keys.length === 0) fail("they name nobody");
  return { users, tokens, s3Keys };
}

type Fail = (reason: string) => never;
type JsonObject = Readonly<Record<string, unknown>>;

function objectOf(value: unknown, reason: string, fail: Fail): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return fail(reason);
  return value as JsonObject;
}

function listOf(value: unknown, name: string, fail: Fail): JsonObject[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return fail(`${name} is no list`);
  return value.map((each: unknown, index) => objectOf(each, `entry ${index + 1} of ${name} is no object`, fail));
}

function textOf(value: unknown, reason: string, fail: Fail): string {
  return typeof value === "string" && value !== "" ? value : fail(reason);
}

/** A name that is not known may be a limit that is misspelt: it is refused. */
function only(object: JsonObject, names: readonly string[], what: string, fail: Fail): void {
  const unknown = Object.keys(object).find((name) => !names.includes(name));
  if (unknown !== undefined) fail(`${what} has a member that is not known: ${JSON.stringify(unknown.slice(0, 40))}`);
}

function argon2Hash(hash: unknown, what: string, fail: Fail): string {
  const [, kib] = /^\$argon2id\$v=19\$m=(\d+),t=\d{1,3},p=\d{1,2}\$[\w+/]+\$[\w+/]+$/.exec(String(hash)) ?? [];
  if (kib === undefined || Number(kib) > argon2KibMax)
    fail(`the passwordHash of ${what} is no $argon2id$ hash of at most 1 GiB`);
  return String(hash);
}

function grantOf(value: unknown, what: string, fail: Fail): Grant {
  if (value === undefined) return {};
  const allow = objectOf(value, `allow of ${what} is no object`, fail);
  only(allow, ["hosts", "names", "tags", "snapshots", "directory"], `allow of ${what}`, fail);
  const texts = (name: string): readonly string[] | undefined => {
    const list = allow[name];
    if (list === undefined) return undefined;
    if (!Array.isArray(list) || list.some((each) => typeof each !== "string")) {
      return fail(`${name} in allow of ${what} is no list of texts`);
    }
    return list.map(String);
  };
  const snapshots = texts("snapshots")?.map((prefix) => prefix.toLowerCase());
  if (snapshots?.some((prefix) => !/^[0-9a-f]{8,64}$/.test(prefix)) ?? false) {
    fail(`snapshots in allow of ${what} are not beginnings of ids, of 8 hexadecimal digits at least`);
  }
  return {
    hosts: texts("hosts"),
    names: texts("names"),
    tags: texts("tags"),
    snapshots,
    directory: allow["directory"] === undefined ? undefined : directoryOf(allow["directory"], what, fail),
  };
}

function directoryOf(value: unknown, what: string, fail: Fail): string {
  const path = typeof value === "string" ? Buffer.from(value, "utf8").toString("latin1") : "";
  const parts = path.split("/").slice(1);
  if (path === "/") return path;
  if (
    !path.startsWith("/") ||
    path.includes("\0") ||
    parts.some((part) => part === "" || part === "." || part === "..")
  ) {
    fail(`the directory in allow of ${what} is no absolute path without "..", "." and a closing slash`);
  }
  return path;
}
