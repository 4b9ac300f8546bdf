/** How XML of S3 begins. */
const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';
const namespace = "http://s3.amazonaws.com/doc/2006-03-01/";

/** A document of S3 with that root. @param inside - XML */
export function s3Document(root: string, inside: string): string {
  return `${declaration}<${root} xmlns="${namespace}">${inside}</${root}>`;
}

/** A document without a namespace, as errors are. @param inside - XML */
export function bareDocument(root: string, inside: string): string {
  return `${declaration}<${root}>${inside}</${root}>`;
}

/** An element with text; nothing where there is none. */
export function element(name: string, text: string | number | boolean | undefined): string {
  return text === undefined ? "" : `<${name}>${escapeXml(String(text))}</${name}>`;
}

/** A binary string, which is UTF-8, as text. */
export function utf8(binary: string): string {
  return Buffer.from(binary, "latin1").toString("utf8");
}

/** Characters that XML 1.0 has no place for are written by number, as S3 does: `encoding-type=url` is for who cannot read them. */
function escapeXml(text: string): string {
  return text.replaceAll(
    /[&<>"'\p{Cc}\ufffe\uffff]/gu,
    (char) => named[char] ?? `&#x${char.charCodeAt(0).toString(16)};`,
  );
}

const named: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
