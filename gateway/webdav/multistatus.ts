import type { ViewEntry } from "#shared/view/view.ts";
import { encodePath } from "#gateway/paths/encode-path.ts";
import { escapeHtml } from "#gateway/paths/show-name.ts";
import { xmlDeclaration } from "./dav-error.ts";
import { apacheNamespace, properties, type Property } from "./properties.ts";
import type { PropertyName, PropfindRequest } from "./propfind-request.ts";

/** Characters that are gathered before they are sent. */
const partCharacters = 32 * 1024;

/** What a multistatus tells of. */
export type MultistatusOptions = {
  readonly entries: AsyncIterable<ViewEntry>;
  readonly request: PropfindRequest;
  /** What stands before every path of the view in a URL. */
  readonly prefix: string;
  readonly nowMs: number;
};

/** The body of a 207, made as fast as it is taken: it holds one part, whatever the size of the directory. @see RFC 4918, 13 and 14.16 */
export async function* multistatus({
  entries,
  request,
  prefix,
  nowMs,
}: MultistatusOptions): AsyncGenerator<Uint8Array> {
  let text = `${xmlDeclaration}<D:multistatus xmlns:D="DAV:" xmlns:A="${apacheNamespace}">\n`;
  const tell = teller(request, nowMs);
  for await (const entry of entries) {
    const path = entry.type === "directory" && entry.path !== "/" ? `${entry.path}/` : entry.path;
    text += `<D:response><D:href>${prefix}${encodePath(path)}</D:href>${tell(entry)}</D:response>\n`;
    if (text.length < partCharacters) continue;
    yield Buffer.from(text, "utf8");
    text = "";
  }
  yield Buffer.from(`${text}</D:multistatus>\n`, "utf8");
}

/** What is told of each entry, prepared once a request. */
function teller(request: PropfindRequest, nowMs: number): (entry: ViewEntry) => string {
  const wanted: readonly (Property | PropertyName)[] =
    request.kind === "some"
      ? request.names.map(({ namespace, name }) => {
          const known = properties.find((each) => each.namespace === namespace && each.name === name);
          return known ?? { namespace, name };
        })
      : properties;
  const tags = wanted.map(tagOf);
  return (entry) => {
    let found = "";
    let missing = "";
    for (const [index, property] of wanted.entries()) {
      const value = "value" in property ? property.value(entry, nowMs) : undefined;
      const { name, declaration } = tags[index] ?? { name: "D:none", declaration: "" };
      if (value === undefined) missing += `<${name}${declaration}/>`;
      else if (value === "" || request.kind === "names") found += `<${name}${declaration}/>`;
      else found += `<${name}${declaration}>${value}</${name}>`;
    }
    // Of what was not asked for by name nobody misses anything.
    if (request.kind !== "some") missing = "";
    return (
      (found !== "" || missing === "" ? propstat(found, "200 OK") : "") +
      (missing === "" ? "" : propstat(missing, "404 Not Found"))
    );
  };
}

function propstat(inside: string, status: string): string {
  return `<D:propstat><D:prop>${inside}</D:prop><D:status>HTTP/1.1 ${status}</D:status></D:propstat>`;
}

/** Names come out of the parser, so that they are names; namespaces may hold anything. */
function tagOf({ namespace, name }: PropertyName): { name: string; declaration: string } {
  if (namespace === "DAV:") return { name: `D:${name}`, declaration: "" };
  if (namespace === apacheNamespace) return { name: `A:${name}`, declaration: "" };
  return namespace === ""
    ? { name, declaration: "" }
    : { name: `X:${name}`, declaration: ` xmlns:X="${escapeHtml(namespace)}"` };
}
