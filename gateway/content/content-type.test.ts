import { expect, it } from "vitest";
import { contentType } from "./content-type.ts";

it.each([
  [".bashrc", "text/plain"],
  [".gitconfig", "text/plain"],
  [".DS_Store", "application/octet-stream"],
  ["syslog.1", "text/plain"],
  ["access.log.12", "text/plain"],
  ["syslog-20261130", "text/plain"],
  ["syslog.2.gz", "application/gzip"],
  ["libc.so.6", "application/octet-stream"],
  ["photo.jpg.1", "image/jpeg"],
  ["archive.001", "application/octet-stream"],
  ["rows.jsonl", "text/plain"],
  ["rows.ndjson", "text/plain"],
  ["drawing.svgz", "application/gzip"],
  ["page.html", "text/html"],
  ["notes.txt", "text/plain"],
  ["noext", "application/octet-stream"],
])("the type of %s is %s, and no name tells a charset", (name, type) => {
  expect(contentType(name)).toBe(type);
});
