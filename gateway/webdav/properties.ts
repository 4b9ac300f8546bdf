import type { ViewEntry } from "#shared/view/view.ts";
import { contentType } from "#gateway/content/content-type.ts";
import { httpDate, validatorsOf } from "#gateway/content/validators.ts";
import { escapeHtml, showName } from "#gateway/paths/show-name.ts";
import type { PropertyName } from "./propfind-request.ts";

/** A property that this gateway has: its name, and the XML inside it; undefined: this entry does not have it. */
export type Property = PropertyName & { readonly value: (entry: ViewEntry, nowMs: number) => string | undefined };

/** The namespace of what Apache's mod_dav adds: davfs2 and others take the executable bit from it. */
export const apacheNamespace = "http://apache.org/dav/props/";

const dav = (name: string, value: Property["value"]): Property => ({ namespace: "DAV:", name, value });

/** The properties of a resource, in the order in which they are told. Types, sizes, tags and times are those that GET tells. */
export const properties: readonly Property[] = [
  dav("resourcetype", (entry) => (entry.type === "directory" ? "<D:collection/>" : "")),
  dav("displayname", (entry) => escapeHtml(showName(entry.name))),
  dav("getcontentlength", (entry) => (entry.type === "file" ? String(entry.sizeBytes) : undefined)),
  dav("getlastmodified", (entry, nowMs) => {
    const { modifiedSec } = validatorsOf(entry, nowMs);
    return modifiedSec === undefined ? undefined : httpDate(modifiedSec);
  }),
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
