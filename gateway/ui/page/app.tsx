import { useEffect, useRef, useState } from "preact/hooks";
import type { ApiSession } from "./answers.ts";
import { ask, onLoggedOut, tell } from "./ask.ts";
import { BrowseScreen } from "./browse-screen.tsx";
import { CompareScreen } from "./compare-screen.tsx";
import { DiffScreen } from "./diff-screen.tsx";
import { ErrorsScreen } from "./errors-screen.tsx";
import { Header } from "./header.tsx";
import { HistoryScreen } from "./history-screen.tsx";
import { LoginScreen } from "./login-screen.tsx";
import { Empty, Failure, Loading } from "./notices.tsx";
import { goTo, useRoute } from "./router.ts";
import { SearchScreen } from "./search-screen.tsx";
import { SnapshotsScreen } from "./snapshots-screen.tsx";
import { UsageScreen } from "./usage-screen.tsx";

/** What each screen shows, by the first part of the address. */
const screens = {
  snapshots: SnapshotsScreen,
  browse: BrowseScreen,
  search: SearchScreen,
  history: HistoryScreen,
  compare: CompareScreen,
  diff: DiffScreen,
  errors: ErrorsScreen,
  usage: UsageScreen,
} as const;

/** The page. */
export function App() {
  const [session, setSession] = useState<ApiSession | undefined>(undefined);
  const [error, setError] = useState<Error | undefined>(undefined);
  const route = useRoute();

  const isEntering = useRef(false);
  // A link that lets in may come when the page is open already.
  const secret = route.screen === "enter" ? route.path.slice(1) : undefined;
  useEffect(() => {
    if (secret === undefined && (session !== undefined || isEntering.current)) return;
    isEntering.current = true;
    if (secret !== undefined) goTo("#/", true); // the secret does not stay in the address
    enter(secret)
      .then(setSession, setError)
      .finally(() => (isEntering.current = false));
  }, [secret]);
  useEffect(() => {
    const forget = (): void => setSession({ state: "out", user: null, mount: null });
    onLoggedOut.add(forget);
    return () => onLoggedOut.delete(forget);
  }, []);

  useEffect(() => {
    document.title = `${titleOf(route.screen)}Holdfast`;
    scrollTo(0, 0);
  }, [route.screen, route.path]);

  if (error !== undefined) {
    return (
      <main class="page">
        <Failure error={error} />
      </main>
    );
  }
  if (session === undefined || secret !== undefined) return <Loading />;
  if (session.state === "out") return <LoginScreen onLogin={setSession} />;
  const Screen = Object.hasOwn(screens, route.screen) ? screens[route.screen as keyof typeof screens] : undefined;
  return (
    <>
      <a class="skip" href={location.hash || "#/"} onClick={focusMain}>
        Skip to content
      </a>
      <Header session={session} route={route} onLogout={setSession} />
      <main class={`page screen-${route.screen}`} id="main" tabIndex={-1}>
        {Screen === undefined ? (
          <Empty title="There is no such page">
            <p>
              <a href="#/">All snapshots</a>
            </p>
          </Empty>
        ) : (
          <Screen key={`${route.screen} ${route.path}`} route={route} />
        )}
      </main>
    </>
  );
}

/** Logs in by the secret of a link, or asks who is logged in. A link that lets nobody in changes nothing. */
async function enter(secret: string | undefined): Promise<ApiSession> {
  if (secret === undefined || secret === "") return ask<ApiSession>("session");
  try {
    return await tell<ApiSession>("login", { user: "token", password: secret });
  } catch {
    return ask<ApiSession>("session");
  }
}

function focusMain(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function titleOf(screen: string): string {
  if (screen === "snapshots" || screen === "enter") return "";
  return `${screen.slice(0, 1).toUpperCase()}${screen.slice(1)} · `;
}
