import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readAccessConfig } from "#gateway/access/access-config.ts";
import { configuredAccess } from "#gateway/access/configured-access.ts";
import { mountSnapshot, mountStore } from "#gateway/access/granted-mount.ts";
import { serveSmall, type SmallGateway } from "#gateway/small-gateway.testing.ts";
import { impatientClock, openSmall } from "#shared/operations/small-store.testing.ts";
import { FollowedStore } from "#shared/view/followed-store.ts";
import { demoStore } from "./demo-snapshots.ts";

const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const hasBrowser = existsSync(executablePath);
if (!hasBrowser) {
  process.stderr.write(
    `ui.test.ts is skipped: no browser at ${executablePath}. infra-tests/gateway/install-chromium.sh installs one.\n`,
  );
}
const token = "a-token-of-more-than-twenty-characters";
const listeners = [{ host: "127.0.0.1", port: 0, protocols: ["ui" as const] }];

type Told = { readonly path: string; readonly host: string; readonly errorCount: number };
let browser: Browser;
let open: SmallGateway;
let guarded: SmallGateway;
let newest: Told;
let oldest: Told;
let flawed: Told;

describe.skipIf(!hasBrowser)("the web UI in a browser", () => {
  beforeAll(async () => {
    const followed = new FollowedStore(await openSmall(await demoStore(10)), { clock: impatientClock, refreshMs: 0 });
    const mount = mountStore(followed, () => undefined);
    const access = configuredAccess(readAccessConfig(JSON.stringify({ tokens: [{ name: "link", token }] }), "test"));
    open = await serveSmall(mount, { listeners });
    guarded = await serveSmall(mount, { listeners, access });
    const { snapshots } = (await (await fetch(`${open.url}/api/snapshots?host=web1.example.org`)).json()) as {
      snapshots: Told[];
    };
    newest = snapshots[0]!;
    oldest = snapshots.at(-1)!;
    flawed = snapshots.find((each) => each.errorCount > 0)!;
    browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  });
  afterAll(async () => {
    await browser?.close();
    await open?.gateway.close(0);
    await guarded?.gateway.close(0);
  });

  /** A page that holds itself to: no fault, nothing against the policy, no request elsewhere, nobody's title. */
  async function visit(hash: string, small: SmallGateway = open): Promise<Page & { check(): Promise<void> }> {
    const context = await browser.newContext({
      viewport: { width: 1200, height: 800 },
      timezoneId: "UTC",
      locale: "en-GB",
    });
    const page = await context.newPage();
    const wrong: string[] = [];
    page.on("pageerror", (error) => wrong.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") wrong.push(message.text());
    });
    page.on("request", (request) => {
      // The viewer of PDF is a part of the browser.
      if (!request.url().startsWith(small.url) && !/^chrome(-extension)?:/.test(request.url()))
        wrong.push(`asked ${request.url()}`);
    });
    await page.goto(`${small.url}/${hash}`);
    return Object.assign(page, {
      async check() {
        expect(wrong).toEqual([]);
        expect(await page.title()).not.toContain("owned");
        expect(await namelessControls(page)).toEqual([]);
        await context.close();
      },
    });
  }

  it("lists snapshots, finds them by words and host, and opens one by keys", async () => {
    const page = await visit("#/");
    await page.getByRole("heading", { name: "Snapshots" }).waitFor();
    expect(await page.locator("tbody tr").count()).toBe(10);
    await page.keyboard.press("/");
    await page.keyboard.type("before-upgrade");
    await page.getByText("1 of 10").waitFor();
    expect(page.url()).toContain("q=before-upgrade");
    await page.getByRole("link", { name: /Oct 2026/ }).press("Enter");
    await page.getByRole("heading", { name: "web1.example.org" }).waitFor();
    await page.goBack();
    await page.getByText("1 of 10").waitFor();
    await page.getByRole("searchbox").fill("nothing has this");
    await page.getByText("No snapshot fits").waitFor();
    await page.getByRole("link", { name: "Show all 10" }).click();
    await page.getByLabel("Host").selectOption("db1.example.org");
    await page.getByText("3 of 10").waitFor();
    await page.check();
  });

  it("goes through directories by keys, and makes only the rows that show", async () => {
    const page = await visit(`#/browse${newest.path}/srv/www/items`);
    const list = page.getByRole("listbox");
    await list.focus();
    await page.keyboard.press("End");
    await page.getByText("item-02999.json").waitFor();
    expect(await page.getByRole("option").count()).toBeLessThan(80);
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "item-00001.json" }).waitFor();
    await page.goBack();
    await list.focus();
    await page.keyboard.press("Backspace");
    await page.getByRole("heading", { name: "www" }).waitFor();
    await page.getByRole("button", { name: /Sort by size/ }).click();
    await page.getByRole("option").first().getByText("data.bin").waitFor();
    await page.getByRole("navigation", { name: "Where this is" }).getByRole("link", { name: /web1/ }).click();
    await page.getByRole("heading", { name: "web1.example.org" }).waitFor();
    await page.goto(`${open.url}/#/browse`);
    await page.getByRole("heading", { name: "Snapshots" }).waitFor();
    await page.check();
  });

  it("keeps the keys from one directory to the next, and the place for who comes back", async () => {
    const page = await visit(`#/browse${newest.path}/srv`);
    await page.getByRole("listbox").focus();
    await page.keyboard.press("Home");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "www" }).waitFor();
    const focused = (): Promise<string> => page.evaluate(`document.activeElement?.getAttribute("role")`);
    await expect.poll(focused).toBe("listbox");
    await page.keyboard.press("Backspace");
    await page.getByRole("heading", { name: "srv" }).waitFor();
    await expect.poll(focused).toBe("listbox");
    await page.goto(`${open.url}/#/browse${newest.path}/srv/www/items`);
    const list = page.getByRole("listbox", { name: /3,000/ });
    await list.focus();
    await page.keyboard.press("End");
    await page.getByText("item-02999.json").waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "item-02999.json" }).waitFor();
    await page.goBack();
    await page.getByRole("option", { selected: true }).getByText("item-02999.json").waitFor();
    expect(await list.evaluate((element) => element.scrollTop)).toBeGreaterThan(50_000);
    await page.check();
  });

  it("takes a link that lets in into a page that is open, and its secret out of the address", async () => {
    const page = await visit("#/", guarded);
    await page.getByRole("button", { name: "Log in" }).waitFor();
    await page.evaluate(`location.hash = "#/enter/${token}"`);
    await page.getByRole("heading", { name: "Snapshots" }).waitFor();
    expect(page.url()).not.toContain(token);
    await page.context().close();
  });

  it("fits a screen of 320 pixels", async () => {
    const page = await visit("#/", guarded);
    await page.setViewportSize({ width: 320, height: 640 });
    await page.evaluate(`location.hash = "#/enter/${token}"`);
    await page.getByRole("heading", { name: "Snapshots" }).waitFor();
    expect(await page.evaluate<number>("document.documentElement.scrollWidth")).toBeLessThanOrEqual(320);
    await page.context().close();
  });

  it("shows a directory of a million entries from its first to its last", async () => {
    const page = await visit("#/");
    const total = 1_000_000;
    const asked: number[] = [];
    await page.route(/\/api\/entries\?/, async (route) => {
      const offset = Number(/offset=(\d+)/.exec(route.request().url())?.[1]);
      asked.push(offset);
      const entries = Array.from({ length: Math.min(200, total - offset) }, (_, index) => ({
        path: `/x/${offset + index}`,
        name: `entry ${offset + index}`,
        type: "file",
        sizeBytes: 1,
        mtimeMs: 0,
        mode: 0o644,
        owner: "0",
        group: "0",
        target: null,
        tag: null,
        error: null,
      }));
      await route.fulfill({ json: { total, isSorted: true, entries, totals: entries.map(() => null) } });
    });
    await page.goto(`${open.url}/#/browse${newest.path}/srv/www/items`);
    const list = page.getByRole("listbox");
    await page.getByText("entry 0", { exact: true }).waitFor();
    await list.focus();
    await page.keyboard.press("End");
    await page.getByText("entry 999999", { exact: true }).waitFor();
    await page.keyboard.press("ArrowUp");
    expect(await page.locator(".row.marked").textContent()).toContain("entry 999998");
    expect(await page.locator(".row.marked").isVisible()).toBe(true);
    await list.evaluate((element) => (element.scrollTop = element.scrollHeight / 2));
    await page
      .getByText(/entry (49|50)\d{4}/)
      .first()
      .waitFor();
    expect(await page.getByRole("option").count()).toBeLessThan(80);
    expect(asked.length).toBeLessThan(20);
    await page.check();
  });

  it("previews text with colours, pictures, sound, PDF and bytes; and nothing of a file runs", async () => {
    const at = `${newest.path}/srv/www`;
    const page = await visit(`#/browse${at}/app/server.ts`);
    await page.locator(".hljs-keyword", { hasText: "import" }).first().waitFor();
    const show = (path: string): Promise<unknown> => page.goto(`${open.url}/#/browse${at}/${path}`);
    for (const path of ["logo.png", "drawing.svg"]) {
      await show(path);
      const picture = page.getByRole("img", { name: path });
      await picture.waitFor();
      await expect
        .poll(() => picture.evaluate((each) => (each as unknown as { naturalWidth: number }).naturalWidth))
        .toBeGreaterThan(100);
    }
    await show("sound.wav");
    await expect
      .poll(() =>
        page.locator("audio").evaluate((each) => Math.round((each as unknown as { duration: number }).duration)),
      )
      .toBe(1);
    await show("manual.pdf");
    expect(await page.locator("iframe.pdf").getAttribute("src")).toMatch(/^files\/.*\/manual\.pdf$/);
    await show("data.bin");
    await page.getByRole("tab", { name: "Hex", selected: true }).waitFor();
    await page.getByText("00000010", { exact: true }).waitFor();
    await show("evil.html");
    await page.locator(".line-text", { hasText: "owned" }).first().waitFor();
    await show("empty.txt");
    await page.getByText("This file is empty").waitFor();
    await show("app/current");
    await page.getByRole("link", { name: "Go where it leads" }).click();
    await page.getByRole("heading", { name: "server.ts" }).waitFor();
    await page.check();

    const alone = await browser.newPage();
    await alone.goto(`${open.url}/files${at}/evil.html`);
    await alone.waitForTimeout(200);
    expect(await alone.title()).toBe("x");
    expect(await alone.evaluate(() => (globalThis as unknown as { origin: string }).origin)).toBe("null");
    await alone.close();
  });

  it("shows hostile names as what they are", async () => {
    const page = await visit(`#/browse${newest.path}/srv/www/odd`);
    await page.getByText("invoice\\u{202e}fdp.exe").waitFor();
    await page.getByText("<img src=x onerror=", { exact: false }).waitFor();
    expect(await page.locator(".row").getByText("latin1-\\xe9t\\xe9").count()).toBe(1);
    for (const link of await page
      .locator(".row a")
      .evaluateAll((all) => all.map((each) => each.getAttribute("href") ?? ""))) {
      expect(link).toMatch(/^#\/browse\/[A-Za-z0-9\-._~/%]+$/);
    }
    await page.getByText("javascript:alert(1)").click();
    await page.locator(".line-text", { hasText: "x" }).waitFor();
    await page.check();
  });

  it("searches all snapshots, and one directory", async () => {
    const page = await visit("#/search");
    await page.getByRole("searchbox").fill("config*");
    await page.getByRole("searchbox").press("Enter");
    await page.getByRole("link", { name: "config.json" }).waitFor();
    await page.getByText(/1 match among .* 10 snapshots/).waitFor();
    await page.getByRole("link", { name: "config.json" }).click();
    await page.getByRole("heading", { name: "config.json" }).waitFor();
    await page.goto(`${open.url}/#/search${newest.path}/srv/www/app?q=zzz`);
    await page.getByText("No name fits").waitFor();
    await page.check();
  });

  it("compares two snapshots, and two states of a text", async () => {
    const page = await visit("#/?host=web1.example.org");
    const boxes = page.getByRole("checkbox");
    await boxes.first().check();
    await boxes.last().check();
    await page.getByRole("link", { name: "Compare" }).click();
    await page.getByRole("heading", { name: "What changed" }).waitFor();
    await page.getByRole("button", { name: /1 removed/ }).waitFor();
    await page.getByRole("button", { name: /changed/ }).click();
    expect(await page.locator(".change.changed").count()).toBe(0);
    await page.getByRole("button", { name: /changed/ }).click();
    await page.getByRole("link", { name: /server\.ts/ }).click();
    await page.getByText("3 lines added, 2 lines removed").waitFor();
    expect(await page.locator(".line.added").count()).toBe(3);
    await page.goto(`${open.url}/#/compare?left=${newest.path}&right=${newest.path}`);
    await page.getByText("Nothing changed").waitFor();
    await page.check();
  });

  it("tells the history of a path, errors of a backup, and how the store grew", async () => {
    const page = await visit(`#/history${oldest.path}/srv/www/app/config.json`);
    await page.getByText("1 version in snapshots of web1.example.org").waitFor();
    await page.getByText("Not there", { exact: false }).waitFor();
    await page.goto(`${open.url}/#/errors${flawed.path}`);
    await page.getByText("permission denied", { exact: false }).first().waitFor();
    await page.getByText("/srv/www/cache/\\u{1b}[2Jx").waitFor();
    await page.goto(`${open.url}/#/usage`);
    await page.getByText("Stored in total").waitFor();
    await page.getByRole("img", { name: /^Stored in total/ }).focus();
    await page.keyboard.press("ArrowLeft");
    await page.locator(".chart-mark").waitFor();
    await page.check();
  });

  it("shows one directory of a snapshot where nothing else is served", async () => {
    const followed = new FollowedStore(await openSmall(await demoStore(1)), { clock: impatientClock, refreshMs: 0 });
    const [record] = await followed.records();
    const mount = mountSnapshot(followed, await followed.snapshot(record!), "/srv/www/app");
    const small = await serveSmall(mount, { listeners });
    const page = await visit("#/", small);
    await page.getByRole("link", { name: /Oct 2026/ }).click();
    await page.getByRole("link", { name: "README.md" }).click();
    await page.locator(".line-text", { hasText: "The shop of" }).waitFor();
    await page.getByRole("link", { name: "History" }).click();
    await page.getByText("1 version", { exact: false }).waitFor();
    await page.check();
    await small.gateway.close(0);
  });

  it("gives a directory as an archive", async () => {
    const page = await visit(`#/browse${newest.path}/srv/www/app`);
    const download = page.waitForEvent("download");
    await page.getByRole("link", { name: "Zip" }).click();
    expect((await download).suggestedFilename()).toBe("app.zip");
    await page.check();
  });

  it("lets in who has the link, takes the secret out of the address, and logs out", async () => {
    const page = await visit(`#/enter/${token}`, guarded);
    await page.getByRole("heading", { name: "Snapshots" }).waitFor();
    expect(page.url()).not.toContain(token);
    const [cookie] = await page.context().cookies();
    expect(cookie).toMatchObject({ name: "holdfast-ui", httpOnly: true, sameSite: "Strict" });
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByLabel("Password or token").waitFor();
    await page.reload();
    await page.getByLabel("User").fill("token");
    await page.getByLabel("Password or token").fill(token);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("heading", { name: "Snapshots" }).waitFor();
    await page.check();
  });

  it("is dark or light as the system says, or as was chosen", async () => {
    const page = await visit("#/");
    await page.getByRole("heading", { name: "Snapshots" }).waitFor();
    const paper = (): Promise<string> => page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
    const light = await paper();
    await page.emulateMedia({ colorScheme: "dark" });
    const dark = await paper();
    expect(dark).not.toBe(light);
    await page.getByRole("button", { name: /Colours/ }).click();
    expect(await paper()).toBe(light);
    await page.reload();
    await page.getByRole("heading", { name: "Snapshots" }).waitFor();
    expect(await paper()).toBe(light);
    await page.check();
  });
});

/** Controls and pictures that say nothing to who cannot see them. Runs in the page. */
const namelessScript = `
Array.from(document.querySelectorAll("button, a[href], input, select, img"))
  .filter((each) => {
    const labels = Array.from(each.labels ?? [], (label) => label.textContent);
    const said = [each.getAttribute("aria-label"), each.getAttribute("alt"), each.getAttribute("title"), each.textContent];
    return ![...said, ...labels].some((text) => (text ?? "").trim() !== "");
  })
  .map((each) => each.outerHTML.slice(0, 120))`;

function namelessControls(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(namelessScript);
}
