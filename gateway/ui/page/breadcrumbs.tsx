import { formatTime } from "./format.ts";
import { linkTo } from "./router.ts";
import type { EntryAnswer } from "./answers.ts";

/** The way from all snapshots to a path; each step leads there. */
export function Breadcrumbs({ answer, screen = "browse" }: { readonly answer: EntryAnswer; readonly screen?: string }) {
  const { trail, snapshot } = answer;
  return (
    <nav class="breadcrumbs" aria-label="Where this is">
      <ol>
        <li>
          <a href="#/">Snapshots</a>
        </li>
        {trail.length === 0 && snapshot !== null && <li aria-current="page">{labelOf(snapshot)}</li>}
        {trail.map((step, index) => {
          const isTop = snapshot !== null && step.path === snapshot.path;
          const label = isTop ? labelOf(snapshot) : step.name;
          return (
            <li key={step.path}>
              {index === trail.length - 1 ? (
                <span aria-current="page">{label}</span>
              ) : (
                <a href={linkTo(screen, step.path)}>{label}</a>
              )}
            </li>
          );
        })}
      </ol>
    </nav>
  );
}

function labelOf({ host, timeMs }: { readonly host: string; readonly timeMs: number }): string {
  return `${host} · ${formatTime(timeMs)}`;
}
