import { useState } from "preact/hooks";
import type { ApiSession } from "./answers.ts";
import { tell } from "./ask.ts";
import { Icon } from "./icons.tsx";

/** Lets somebody in. */
export function LoginScreen({ onLogin }: { readonly onLogin: (session: ApiSession) => void }) {
  const [failure, setFailure] = useState("");
  const [isBusy, setIsBusy] = useState(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    setIsBusy(true);
    setFailure("");
    try {
      onLogin(await tell<ApiSession>("login", { user: textOf(form, "user"), password: textOf(form, "password") }));
    } catch (error) {
      setFailure((error as Error).message);
      setIsBusy(false);
    }
  };
  return (
    <main class="login">
      <form onSubmit={(event) => void submit(event)} aria-labelledby="login-title">
        <div class="login-mark">
          <Icon name="mark" />
        </div>
        <h1 id="login-title">Holdfast</h1>
        <p class="muted">Log in to look into the snapshots.</p>
        <label>
          User
          <input name="user" autocomplete="username" autocapitalize="none" spellcheck={false} required autofocus />
        </label>
        <label>
          Password or token
          <input name="password" type="password" autocomplete="current-password" required />
        </label>
        <p class="failure" role="alert">
          {failure}
        </p>
        <button type="submit" class="primary" disabled={isBusy}>
          {isBusy ? "Logging in…" : "Log in"}
        </button>
        <p class="muted small">
          With a token, the user is “token”. Was this opened by a link? Take the newest one that the command printed.
        </p>
      </form>
    </main>
  );
}

function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
}
