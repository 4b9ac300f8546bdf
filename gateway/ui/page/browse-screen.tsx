import type { EntryAnswer, SnapshotsAnswer } from "./answers.ts";
import { ask, filesUrl } from "./ask.ts";
import { Breadcrumbs } from "./breadcrumbs.tsx";
import { DirectoryList } from "./directory-list.tsx";
import { FileView } from "./file-view.tsx";
import { formatBytes, formatDuration, formatExact, plural } from "./format.ts";
import { Icon } from "./icons.tsx";
import { Failure, Loading } from "./notices.tsx";
import { goTo, linkTo, type Route } from "./router.ts";
import { useAnswer } from "./use-answer.ts";
import { useState } from "preact/hooks";

/** A path: the list of a directory, or a file. */
export function BrowseScreen({ route }: { readonly route: Route }) {
  const { value: answer, error } = useAnswer<EntryAnswer>("entry", { path: route.path });
  if (error !== undefined) return <Failure error={error} />;
  if (answer === undefined) return <Loading />;
  if (answer.snapshot === null) {
    goTo("#/", true); // the top of all snapshots has a screen of its own
    return null;
  }
  const isDirectory = answer.entry.type === "directory";
  return (
    <>
      <Breadcrumbs answer={answer} />
      {isDirectory ? (
        <>
          <DirectoryHead answer={answer} />
          <DirectoryList route={route} answer={answer} />
        </>
      ) : (
        <FileView answer={answer} />
      )}
    </>
  );
}

function DirectoryHead({ answer }: { readonly answer: EntryAnswer }) {
  const { entry, totals, snapshot } = answer;
  const isTop = snapshot !== null && snapshot.path === entry.path;
  const [problem, setProblem] = useState("");
  const compareBack = async (): Promise<void> => {
    if (snapshot === null) return;
    const { snapshots } = await ask<SnapshotsAnswer>("snapshots", {
      host: encodeURIComponent(snapshot.host),
      name: encodeURIComponent(snapshot.name),
      to: Math.floor(snapshot.timeMs),
      limit: 1,
    });
    const [before] = snapshots;
    if (before === undefined) {
      setProblem("There is no earlier snapshot of this host and name.");
      return;
    }
    const inside = snapshot.path === "/" ? entry.path : entry.path.slice(snapshot.path.length);
    goTo(linkTo("compare", "/", { left: before.path + inside, right: entry.path }));
  };
  return (
    <div class="head">
      <div>
        <h1>{isTop ? (snapshot?.host ?? entry.name) : entry.name === "" ? "Top" : entry.name}</h1>
        <p class="muted">
          {totals !== null && `${plural(totals.entries, "entry", "entries")}, ${formatBytes(totals.bytes)}`}
          {totals === null &&
            isTop &&
            snapshot !== null &&
            `${plural(snapshot.entries, "entry", "entries")}, ${formatBytes(snapshot.totalBytes)}`}
          {isTop && snapshot !== null && (
            <span title={snapshot.id}>
              {" "}
              · {snapshot.name} · {formatExact(snapshot.timeMs).replace(".000Z", "Z")} · took{" "}
              {formatDuration(snapshot.durationMs)}
            </span>
          )}
        </p>
        {problem !== "" && (
          <p class="failure" role="status">
            {problem}
          </p>
        )}
      </div>
      <div class="actions">
        <a class="button" href={filesUrl(entry.path, "zip")} download>
          <Icon name="down" /> Zip
        </a>
        <a class="button" href={filesUrl(entry.path, "tar")} download>
          <Icon name="down" /> Tar
        </a>
        <a class="button" href={linkTo("search", entry.path)}>
          <Icon name="search" /> Search
        </a>
        <button
          type="button"
          class="button"
          onClick={() => void compareBack().catch((error: Error) => setProblem(error.message))}
        >
          <Icon name="compare" /> What changed
        </button>
        {!isTop && (
          <a class="button" href={linkTo("history", entry.path)}>
            <Icon name="history" /> History
          </a>
        )}
        {isTop && snapshot !== null && snapshot.errorCount > 0 && (
          <a class="button warning" href={linkTo("errors", snapshot.path)}>
            <Icon name="warning" /> {plural(snapshot.errorCount, "error")}
          </a>
        )}
      </div>
    </div>
  );
}
