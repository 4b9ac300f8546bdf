import type { UsageAnswer } from "./answers.ts";
import { Chart } from "./chart.tsx";
import { formatBytes, formatCount, plural } from "./format.ts";
import { Empty, Failure, Loading } from "./notices.tsx";
import { decodeText, encodeText, goTo, linkTo, type Route } from "./router.ts";
import { useAnswer } from "./use-answer.ts";

/** How the store grew. */
export function UsageScreen({ route }: { readonly route: Route }) {
  const host = decodeText(route.params.get("host"));
  const { value: answer, error } = useAnswer<UsageAnswer>("usage");
  if (error !== undefined) return <Failure error={error} />;
  if (answer === undefined) return <Loading what="Adding up" />;
  const hosts = [...new Set(answer.points.map((point) => point.snapshot.host))].sort();
  const points = answer.points.filter((point) => host === "" || point.snapshot.host === host);
  if (points.length === 0) return <Empty title="Nothing to add up">There are no snapshots.</Empty>;
  let whole = 0;
  let stored = 0;
  const rows = points.map(({ snapshot, addedBytes }) => {
    whole += snapshot.totalBytes;
    stored += addedBytes ?? 0;
    return {
      ms: snapshot.timeMs,
      size: snapshot.totalBytes,
      added: addedBytes ?? 0,
      stored,
      ratio: stored === 0 ? 0 : whole / stored,
    };
  });
  const last = rows.at(-1);
  return (
    <>
      <div class="title-row">
        <h1>Usage</h1>
        {hosts.length > 1 && (
          <label class="field">
            Host
            <select
              value={host}
              onChange={(event) => goTo(linkTo("usage", "/", { host: encodeText(event.currentTarget.value) }), true)}
            >
              <option value="">All hosts</option>
              {hosts.map((each) => (
                <option key={each} value={each}>
                  {each}
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      <dl class="figures">
        <Figure label="Stored" value={formatBytes(stored)} note="added by the backups of these snapshots" />
        <Figure
          label="Held"
          value={formatBytes(whole)}
          note={`in ${plural(points.length, "snapshot")}, each counted whole`}
        />
        <Figure label="Saved" value={ratioText(last?.ratio ?? 0)} note="smaller by deduplication and compression" />
        <Figure
          label="Newest"
          value={formatBytes(last?.size ?? 0)}
          note={`${formatCount(points.at(-1)?.snapshot.entries ?? 0)} entries`}
        />
      </dl>
      {rows.length < 2 ? (
        <Empty title="Charts need two snapshots" />
      ) : (
        <div class="charts">
          <Chart
            title="Stored in total"
            points={rows.map(({ ms, stored: value }) => ({ ms, value }))}
            format={formatBytes}
            isFilled
          />
          <Chart
            title="Added by each backup"
            points={rows.map(({ ms, added: value }) => ({ ms, value }))}
            format={formatBytes}
            isBars
          />
          <Chart
            title="Size of each snapshot"
            points={rows.map(({ ms, size: value }) => ({ ms, value }))}
            format={formatBytes}
            isDots={host === "" && hosts.length > 1}
          />
          <Chart
            title="Times smaller than whole copies"
            points={rows.map(({ ms, ratio: value }) => ({ ms, value }))}
            format={ratioText}
          />
        </div>
      )}
      <p class="muted small">
        Counted are the backups of the snapshots shown here, as they were stored. Maintenance may have made it less
        since, and removed snapshots may still take room until they are swept.
        {!answer.isComplete && " Only the newest snapshots are counted."}
      </p>
    </>
  );
}

function Figure({ label, value, note }: { readonly label: string; readonly value: string; readonly note: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        <strong>{value}</strong>
        <span class="muted small">{note}</span>
      </dd>
    </div>
  );
}

function ratioText(ratio: number): string {
  return `${ratio >= 100 ? formatCount(Math.round(ratio)) : ratio.toFixed(ratio >= 10 ? 0 : 1)}×`;
}
