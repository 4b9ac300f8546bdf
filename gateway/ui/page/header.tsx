import { useState } from "preact/hooks";
import type { ApiSession } from "./answers.ts";
import { tell } from "./ask.ts";
import { Icon } from "./icons.tsx";
import { linkTo, type Route } from "./router.ts";
import { chooseTheme, chosenTheme, type Theme } from "./theme.ts";

/** What the theme button leads to. */
const next: Readonly<Record<Theme, Theme>> = { system: "light", light: "dark", dark: "system" };
const themeIcons: Readonly<Record<Theme, string>> = { system: "half", light: "sun", dark: "moon" };

/** The top of the page: where one can go, how it looks, who is there. */
export function Header({
  session,
  route,
  onLogout,
}: {
  readonly session: ApiSession;
  readonly route: Route;
  readonly onLogout: (session: ApiSession) => void;
}) {
  const [theme, setTheme] = useState(chosenTheme());
  const isInside = ["browse", "history", "errors"].includes(route.screen);
  const searchPath = isInside ? route.path : route.screen === "search" ? route.path : "/";
  const link = (screen: string, label: string, href: string) => (
    <a href={href} aria-current={route.screen === screen ? "page" : undefined}>
      {label}
    </a>
  );
  const logOut = async (): Promise<void> => onLogout(await tell<ApiSession>("logout", {}));
  return (
    <header class="header">
      <div class="header-inside">
        <a class="wordmark" href="#/">
          <Icon name="mark" />
          Holdfast
        </a>
        <nav aria-label="Main">
          {link("snapshots", "Snapshots", "#/")}
          {link("search", "Search", linkTo("search", searchPath))}
          {link("usage", "Usage", linkTo("usage"))}
        </nav>
        <div class="header-end">
          <button
            type="button"
            class="quiet"
            title={`Colours: ${theme}`}
            aria-label={`Colours: ${theme}. Change`}
            onClick={() => {
              chooseTheme(next[theme]);
              setTheme(next[theme]);
            }}
          >
            <Icon name={themeIcons[theme]} />
          </button>
          {session.state === "in" && (
            <button
              type="button"
              class="quiet"
              onClick={() => void logOut()}
              title={`Logged in as ${session.user ?? ""}`}
            >
              Log out
            </button>
          )}
        </div>
      </div>
    </header>
  );
}
