import type { EntryAnswer, ErrorsAnswer } from "./answers.ts";
import { Breadcrumbs } from "./breadcrumbs.tsx";
import { formatTime, plural } from "./format.ts";
import { Empty, Failure, Loading } from "./notices.tsx";
import { goTo, linkTo, type Route } from "./router.ts";
import { useAnswer } from "./use-answer.ts";

const stepRows = 1000;

/** What a backup could not read. */
export function ErrorsScreen({ route }: { readonly route: Route }) {
  const { path } = route;
  const offset = Number(route.params.get("from") ?? 0) || 0;
  const place = useAnswer<EntryAnswer>("entry", { path });
  const { value: answer, error } = useAnswer<ErrorsAnswer>("errors", { path, offset, limit: stepRows });
  if (error !== undefined) return <Failure error={error} />;
  if (answer === undefined || place.value === undefined) return <Loading />;
  const { errors, total, lost, snapshot } = answer;
  return (
    <>
      <Breadcrumbs answer={place.value} />
      <h1>Errors of this backup</h1>
      <p class="muted">
        {snapshot.host}, {formatTime(snapshot.timeMs)} · {plural(snapshot.errorCount, "entry", "entries")} could not be
        read, or changed while they were
      </p>
      {lost.length > 0 && (
        <div class="notice aside">
          <h2>Not captured at all</h2>
          <ul>
            {lost.map((each) => (
              <li key={each}>{each}</li>
            ))}
          </ul>
        </div>
      )}
      {total === 0 ? (
        <Empty title={snapshot.errorCount === 0 ? "Everything was read" : "None of them are shown to you"} />
      ) : (
        <table class="table errors-table">
          <thead>
            <tr>
              <th>Path</th>
              <th>What happened</th>
            </tr>
          </thead>
          <tbody>
            {errors.map((each, index) => (
              <tr key={index}>
                <td class="mono path">{each.path}</td>
                <td>
                  {each.message} <span class="tag">{each.kind}</span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {total > stepRows && (
        <p class="more">
          <button
            type="button"
            disabled={offset === 0}
            onClick={() => goTo(linkTo("errors", path, { from: String(Math.max(0, offset - stepRows)) }), true)}
          >
            Before
          </button>{" "}
          {offset + 1} – {offset + errors.length} of {total}{" "}
          <button
            type="button"
            disabled={offset + stepRows >= total}
            onClick={() => goTo(linkTo("errors", path, { from: String(offset + stepRows) }), true)}
          >
            Next
          </button>
        </p>
      )}
    </>
  );
}
