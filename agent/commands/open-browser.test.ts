import { expect, it } from "vitest";
import { redirectPage } from "./open-browser.ts";

it("leads to the URL and to nothing else, whatever is in it", () => {
  const page = redirectPage(`http://127.0.0.1:1/#/enter/x"><script>alert(1)</script>`);
  expect(page).toContain('content="0;url=http://127.0.0.1:1/#/enter/x&#34;&#62;&#60;script');
  expect(page).not.toContain("<script");
});
