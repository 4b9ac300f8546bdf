import { expect, it } from "vitest";
import { all, storeOf } from "#shared/view/view.testing.ts";
import { everything } from "#gateway/access/grant.ts";
import { mountOf } from "#gateway/small-gateway.testing.ts";
import { directoryQuery } from "./directory-query.ts";
import { LinkedDirectories } from "./linked-directories.ts";
import { sortedPage } from "./sorted-page.ts";

const first = (page: string): string | undefined => /<td><a href="([^"]+)"/.exec(page)?.[1];

it("comes by name while pages that nobody takes hold all the memory there is for them, and sorted again after that", async () => {
  const store = await storeOf([
    { path: "a", content: Buffer.alloc(3) },
    { path: "b", content: Buffer.alloc(2) },
    { path: "c", content: Buffer.alloc(1) },
  ]);
  const view = (await mountOf(store, "snapshot", "/scripted")).view(everything);
  const directory = await view.stat("/");
  const query = directoryQuery("http://here/?sort=size", false);
  const page = { topName: "top", directory, path: "/", query, links: new LinkedDirectories(view, "/") };
  const whole = Buffer.concat(await all(await sortedPage(view, page)));
  expect(first(whole.toString())).toBe("c");

  const limitBytes = whole.byteLength;
  const waiting = (await sortedPage(view, page, limitBytes))[Symbol.asyncIterator]();
  await waiting.next();
  const meanwhile = Buffer.concat(await all(await sortedPage(view, page, limitBytes))).toString();
  expect(first(meanwhile)).toBe("a");
  expect(meanwhile).toContain("in the order of names");
  await waiting.return?.();
  expect(first(Buffer.concat(await all(await sortedPage(view, page, limitBytes))).toString())).toBe("c");
});
