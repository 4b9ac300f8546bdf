import { isUtf8 } from "node:buffer";
import type { ViewEntry } from "#shared/view/view.ts";
import { contentType } from "#gateway/content/content-type.ts";
import { httpDate, validatorsOf } from "#gateway/content/validators.ts";
import { escapeHtml } from "#gateway/paths/show-name.ts";
import type { PropertyName } from "./propfind-request.ts";

/** Characters that XML 1.0 has no place for. */
// oxlint-disable-next-line no-control-regex
const notInXml = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;

/** A name as it is; undefined: XML has no place for it. */
function nameInXml(binary: string): string | undefined {
  const bytes = Buffer.from(binary, "latin1");
  const name = bytes.toString("utf8");
  return isUtf8(bytes) && !notInXml.test(name) ? escapeHtml(name).replaceAll("\r", "&#13;") : undefined;
}

/** A property that this gateway has: its name, and the XML inside it; undefined: this entry does not have it. */
export type Property = PropertyName & { readonly value: (entry: ViewEntry, nowMs: number) => string | undefined };

/** The namespace of what Apache's mod_dav adds: davfs2 and others take the executable bit from it. */
export const apacheNamespace = "http://apache.org/dav/props/";

const dav = (name: string, value: Property["value"]): Property => ({ namespace: "DAV:", name, value });

/** The properties of a resource, in the order in which they are told. Types, sizes and tags are those that GET tells. */
export const properties: readonly Property[] = [
  dav("resourcetype", (entry) => (entry.type === "directory" ? "<D:collection/>" : "")),
  dav("displayname", (entry) => nameInXml(entry.name)),
  dav("getcontentlength", (entry) => (entry.type === "file" ? String(entry.sizeBytes) : undefined)),
  // A property may tell what no response may: a time in the future. Clients take a file without it for an error, or for one of the year 1.
  dav("getlastmodified", (entry) => httpDate(entry.mtimeSec)),
  dav("getetag", (entry, nowMs) => {
    const { etag } = validatorsOf(entry, nowMs);
    return etag === undefined ? undefined : escapeHtml(etag);
  }),
  dav("getcontenttype", (entry) => (entry.type === "file" ? escapeHtml(contentType(entry.name)) : undefined)),
  {
    namespace: apacheNamespace,
    name: "executable",
    value: (entry) => (entry.type !== "file" ? undefined : (entry.mode & 0o111) === 0 ? "F" : "T"),
  },
];
