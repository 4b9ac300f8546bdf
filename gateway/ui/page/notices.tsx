import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { AskError } from "./ask.ts";

/** Something went wrong. */
export function Failure({ error }: { readonly error: Error }) {
  const isAbsent = error instanceof AskError && error.status === 404;
  return (
    <div class="notice" role="alert">
      <h2>{isAbsent ? "Nothing is here" : "That did not work"}</h2>
      <p>{error.message}</p>
      <p>
        <a href="#/">All snapshots</a>
      </p>
    </div>
  );
}

/** There is nothing to show. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="notice">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** It is on its way. Shows itself only when that takes a moment, so that quick answers do not flicker. */
export function Loading({ what = "Loading" }: { readonly what?: string }) {
  const [isShown, setIsShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setIsShown(true), 150);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="loading" role="status">
      {isShown && (
        <>
          <span class="spinner" aria-hidden="true" />
          {what}…
        </>
      )}
    </div>
  );
}
