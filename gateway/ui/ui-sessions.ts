import { randomBytes } from "node:crypto";
import type { Clock } from "#shared/clock.ts";
import type { Principal } from "#gateway/access/principal.ts";

/** The cookie that carries a session. */
export const sessionCookie = "holdfast-ui";
/** A session ends after so long without a request, and after so long anyhow, milliseconds. */
const idleMs = 2 * 60 * 60 * 1000;
const lifeMs = 12 * 60 * 60 * 1000;
/** Sessions that are kept; the one that asked longest ago is ended. */
const sessionsMax = 1000;

type Session = { readonly principal: Principal; readonly beganMs: number; usedMs: number };

/** Who is logged in at the web UI. They are forgotten when the process ends. */
export class UiSessions {
  readonly #clock: Clock;
  readonly #sessions = new Map<string, Session>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A new session, as the value of its cookie. */
  begin(principal: Principal): string {
    const id = randomBytes(32).toString("base64url");
    const nowMs = this.#clock.nowMs();
    this.#sessions.set(id, { principal, beganMs: nowMs, usedMs: nowMs });
    for (const [oldest] of this.#sessions) {
      if (this.#sessions.size <= sessionsMax) break;
      this.#sessions.delete(oldest);
    }
    return id;
  }

  /** Who the cookies of a request speak for; undefined: nobody. */
  principal(cookies: string | undefined): Principal | undefined {
    const id = idIn(cookies);
    const session = id === undefined ? undefined : this.#sessions.get(id);
    if (id === undefined || session === undefined) return undefined;
    this.#sessions.delete(id);
    const nowMs = this.#clock.nowMs();
    if (nowMs - session.usedMs > idleMs || nowMs - session.beganMs > lifeMs) return undefined;
    session.usedMs = nowMs;
    this.#sessions.set(id, session);
    return session.principal;
  }

  /** Ends the session of a request. */
  end(cookies: string | undefined): void {
    const id = idIn(cookies);
    if (id !== undefined) this.#sessions.delete(id);
  }
}

/** The line that sets the cookie, or takes it away. @param path - below which it is sent, with a closing slash */
export function cookieLine(id: string | undefined, path: string, isSecure: boolean): string {
  const age = id === undefined ? 0 : lifeMs / 1000;
  return `${sessionCookie}=${id ?? ""}; Path=${path}; Max-Age=${age}; HttpOnly; SameSite=Strict${isSecure ? "; Secure" : ""}`;
}

function idIn(cookies: string | undefined): string | undefined {
  if (cookies === undefined || cookies.length > 8192) return undefined;
  for (const pair of cookies.split(";")) {
    const [name, value] = pair.trim().split("=");
    if (name === sessionCookie && value !== undefined && /^[\w-]{43}$/.test(value)) return value;
  }
  return undefined;
}
