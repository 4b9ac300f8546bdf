import { HoldfastError } from "#shared/errors.ts";
import type { XmlElement } from "./xml-element.ts";

/** Elements inside one another, elements in all, and attributes of one. */
const depthMax = 16;
const elementsMax = 1024;
const attributesMax = 64;

/** A letter, "_" or a character beyond ASCII; then digits, "-" and "." too. One colon at most, between prefix and name. */
const part = String.raw`[A-Za-z_\u0080-\u{10ffff}][\w.\-\u0080-\u{10ffff}]*`;
// One way to match each character, so that nothing is tried twice.
const openingTag = new RegExp(String.raw`<((?:${part}:)?${part})((?:\s(?:[^<>"'/]|"[^"<]*"|'[^'<]*')*)?)(\/?)>`, "uy");
const closingTag = new RegExp(String.raw`<\/((?:${part}:)?${part})\s*>`, "uy");
const attribute = new RegExp(String.raw`\s+((?:${part}:)?${part})\s*=\s*(?:"([^"]*)"|'([^']*)')`, "uy");
/** What is skipped: text, comments, processing instructions and character data. */
const skipped = /[^<]+|<!--(?:(?!--)[^])*-->|<\?(?:(?!\?>)[^])*\?>|<!\[CDATA\[(?:(?!\]\]>)[^])*\]\]>/uy;
const named: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

type Open = { readonly written: string; readonly names: ReadonlyMap<string, string>; readonly element: XmlElement };

/**
 * The elements of a small XML document with namespaces.
 *
 * A document type is refused, so there are no entities but the five of XML and no expansion of any; so are more than 16 levels and more
 * than 1024 elements. The text is read once, from its beginning to its end.
 *
 * @throws {HoldfastError} invalid: it is not well-formed, or more than that
 */
export function parseXml(text: string): XmlElement {
  const open: Open[] = [];
  let root: XmlElement | undefined;
  let elements = 0;
  let at = text.startsWith("\ufeff") ? 1 : 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text) ?? undefined;
    if (found !== undefined) at = pattern.lastIndex;
    return found;
  };
  while (at < text.length) {
    const [gap] = take(skipped) ?? [];
    if (gap !== undefined) {
      const isText = !gap.startsWith("<") || gap.startsWith("<![");
      if (isText && open.length === 0 && gap.trim() !== "") throw malformed("text stands outside the document");
      if (isText && !gap.startsWith("<")) unescape(gap);
      continue;
    }
    const [, closed] = take(closingTag) ?? [];
    if (closed !== undefined) {
      if (open.pop()?.written !== closed) throw malformed("an element is closed that is not open");
      continue;
    }
    const opened = take(openingTag);
    if (opened === undefined) throw malformed("something in it is no element");
    if (open.length === 0 && root !== undefined) throw malformed("it has two roots");
    if (++elements > elementsMax || open.length >= depthMax) throw malformed("it is too large");
    const parent = open.at(-1);
    const [, written = "", attributes = "", isEmpty] = opened;
    const names = declared(attributes, parent?.names ?? new Map([["xml", "http://www.w3.org/XML/1998/namespace"]]));
    const element = { ...resolve(written, names), children: [] };
    if (parent === undefined) root = element;
    else (parent.element.children as XmlElement[]).push(element);
    if (isEmpty === "") open.push({ written, names, element });
  }
  if (root === undefined || open.length > 0) throw malformed("it ends too early");
  return root;
}

/** The namespaces by prefix inside an element. Every attribute is checked. */
function declared(attributes: string, outer: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const seen = new Set<string>();
  let names: Map<string, string> | undefined;
  let at = 0;
  while (attributes.slice(at).trim() !== "") {
    attribute.lastIndex = at;
    const found = attribute.exec(attributes);
    const [, name = "", first, second] = found ?? [];
    if (found === null || seen.has(name) || seen.size >= attributesMax) throw malformed("an attribute is wrong");
    seen.add(name);
    at = attribute.lastIndex;
    const value = unescape(first ?? second ?? "");
    if (name !== "xmlns" && !name.startsWith("xmlns:")) continue;
    const prefix = name.slice(6);
    if (prefix !== "" && value === "") throw malformed("a prefix stands for no namespace");
    names ??= new Map(outer);
    names.set(prefix, value);
  }
  return names ?? outer;
}

function resolve(written: string, names: ReadonlyMap<string, string>): { namespace: string; name: string } {
  const colon = written.indexOf(":");
  if (colon < 0) return { namespace: names.get("") ?? "", name: written };
  const namespace = names.get(written.slice(0, colon));
  if (namespace === undefined) throw malformed("a prefix is not declared");
  return { namespace, name: written.slice(colon + 1) };
}

function unescape(text: string): string {
  return text.replaceAll(/&([^;&]{0,12};)?/g, (_, reference: string | undefined) => {
    const name = reference?.slice(0, -1) ?? "";
    const [, hex, decimal] = /^#(?:x([0-9a-f]+)|(\d+))$/i.exec(name) ?? [];
    const code = hex === undefined ? Number(decimal ?? Number.NaN) : Number.parseInt(hex, 16);
    if (code > 0 && code <= 0x10ffff) return String.fromCodePoint(code);
    const char = named[name];
    if (char === undefined) throw malformed("an entity is not known");
    return char;
  });
}

function malformed(reason: string): HoldfastError {
  return new HoldfastError("invalid", `Cannot read the XML of the request: ${reason}`);
}
