import { expect, it } from "vitest";
import type { XmlElement } from "./xml-element.ts";
import { parseXml } from "./parse-xml.ts";

const shown = ({ namespace, name, children }: XmlElement): string =>
  `{${namespace}}${name}${children.length === 0 ? "" : `(${children.map(shown).join(" ")})`}`;

it.each([
  ['<?xml version="1.0"?><propfind xmlns="DAV:"><allprop/></propfind>', "{DAV:}propfind({DAV:}allprop)"],
  [
    `\ufeff<!-- a > b --><D:propfind xmlns:D='DAV:' xmlns:Z="urn:z"\n><D:prop >x<Z:a Z:b="&lt;&#x41;"/><b/></D:prop></D:propfind> `,
    "{DAV:}propfind({DAV:}prop({urn:z}a {}b))",
  ],
  ['<a xmlns="u:1"><b xmlns=""/><![CDATA[<c>]]><c xmlns="u:2"><d/></c><ü/></a>', "{u:1}a({}b {u:2}c({u:2}d) {u:1}ü)"],
  ['<a b="x > y" c="it\'s"/>', "{}a"],
])("reads %s", (text, wanted) => {
  expect(shown(parseXml(text))).toBe(wanted);
});

it.each([
  "",
  "   ",
  "text",
  "<a>",
  "</a>",
  "<a></b>",
  "<a/><b/>",
  "<a/>text",
  "<a b></a>",
  '<a b="1" b="2"/>',
  "<a b=1/>",
  "<p:a/>",
  '<p:a xmlns:p=""/>',
  "<a>&nothing;</a>",
  "<a>& b</a>",
  "<a>&#0;</a>",
  "<a>&#x110000;</a>",
  '<a b="<"/>',
  "<!DOCTYPE a><a/>",
  '<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]><lolz>&lol2;</lolz>',
  '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
  "<!-- a -- b --><a/>",
  "<!-- <a/>",
  "<a:b:c xmlns:a='u'/>",
  "<1/>",
  "<a".repeat(10_000),
  "<a>".repeat(17) + "</a>".repeat(17),
  `<r>${"<a/>".repeat(1024)}</r>`,
])("refuses what is malformed or too large: %#", (text) => {
  expect(() => parseXml(text)).toThrow(expect.objectContaining({ kind: "invalid" }));
});

it("takes time in proportion to the length, whatever stands in it", () => {
  const units = [
    "<",
    " ",
    "<a ",
    "<!--",
    "<?",
    "<![CDATA[",
    "&",
    "<a b='",
    '"',
    "<a b=\"'",
    "a='' ",
    "<a\n",
    "a:",
    "--",
    "/",
  ];
  for (const unit of units) {
    const long = unit.repeat((64 * 1024) / unit.length);
    for (const text of [long, `<a ${long}`, `<a>${long}`, `<a ${long}>`, `<${long}>`, `</a${long}`]) {
      expect(() => parseXml(text)).toThrow();
    }
  }
});
