import { useState } from "preact/hooks";
import type { EntryAnswer } from "./answers.ts";
import { filesUrl } from "./ask.ts";
import { formatBytes, formatCount, formatMode, formatTime, formatExact, plural, typeWords } from "./format.ts";
import { HexView } from "./hex-view.tsx";
import { Icon } from "./icons.tsx";
import { Empty } from "./notices.tsx";
import { linkTo } from "./router.ts";
import { TextView } from "./text-view.tsx";

/** A file, or whatever is no directory: what it looks like, and all that is known of it. */
export function FileView({ answer }: { readonly answer: EntryAnswer }) {
  const { entry } = answer;
  const isFile = entry.type === "file";
  const isReadable = isFile && entry.error === null;
  return (
    <>
      <div class="head">
        <div>
          <h1>{entry.name}</h1>
          <p class="muted">
            {isFile ? formatBytes(entry.sizeBytes) : typeWords[entry.type]} · changed {formatTime(entry.mtimeMs)}
          </p>
        </div>
        <div class="actions">
          {isReadable && (
            <a class="button primary" href={filesUrl(entry.path, "download")} download>
              <Icon name="down" /> Download
            </a>
          )}
          <a class="button" href={linkTo("history", entry.path)}>
            <Icon name="history" /> History
          </a>
        </div>
      </div>
      <div class="file">
        <section class="preview" aria-label="Preview">
          <Preview answer={answer} />
        </section>
        <Facts answer={answer} />
      </div>
    </>
  );
}

type Kind = "image" | "audio" | "video" | "pdf" | "text" | "hex";

/** How a file is looked at first, by the type of its name. */
function kindOf(mediaType: string): Kind {
  const [family] = mediaType.split("/");
  if (family === "image" || family === "audio" || family === "video") return family;
  return mediaType === "application/pdf" ? "pdf" : "text";
}

function Preview({ answer }: { readonly answer: EntryAnswer }) {
  const { entry, mediaType, leadsTo } = answer;
  const usual = kindOf(mediaType);
  const [kind, setKind] = useState<Kind>(usual);
  const [isBroken, setIsBroken] = useState(false);
  if (entry.type === "symlink") {
    return (
      <Empty title="A symbolic link">
        <p class="mono">{entry.target}</p>
        {leadsTo === null ? (
          <p class="muted">It leads to nothing that is here.</p>
        ) : (
          <p>
            <a href={linkTo("browse", leadsTo)}>Go where it leads</a>
          </p>
        )}
      </Empty>
    );
  }
  if (entry.type !== "file") return <Empty title={`A ${typeWords[entry.type] ?? ""}`}>It has no content.</Empty>;
  if (entry.error !== null) {
    return (
      <Empty title="The backup could not read this file">
        <p>{entry.error}</p>
        <p>
          <a href={linkTo("history", entry.path)}>Look for it in other snapshots</a>
        </p>
      </Empty>
    );
  }
  if (entry.sizeBytes === 0) return <Empty title="This file is empty" />;
  const kinds: readonly Kind[] = usual === "text" ? ["text", "hex"] : [usual, "text", "hex"];
  const url = filesUrl(entry.path);
  return (
    <>
      <div class="tabs" role="tablist" aria-label="How to look at it">
        {kinds.map((each) => (
          <button key={each} type="button" role="tab" aria-selected={each === kind} onClick={() => setKind(each)}>
            {each === "pdf" ? "PDF" : each.slice(0, 1).toUpperCase() + each.slice(1)}
          </button>
        ))}
      </div>
      {kind === "text" && (
        <TextView key={entry.path} entry={entry} onBinary={() => setKind("hex")} isStrict={usual !== "text"} />
      )}
      {kind === "hex" && <HexView key={entry.path} entry={entry} />}
      {kind === "image" &&
        (isBroken ? (
          <Empty title="The browser cannot show this image" />
        ) : (
          <div class="picture">
            <img src={url} alt={entry.name} onError={() => setIsBroken(true)} />
          </div>
        ))}
      {kind === "audio" && <audio src={url} controls preload="metadata" aria-label={entry.name} />}
      {kind === "video" && <video src={url} controls preload="metadata" aria-label={entry.name} />}
      {kind === "pdf" && <iframe class="pdf" src={url} title={entry.name} referrerpolicy="no-referrer" />}
    </>
  );
}

function Facts({ answer }: { readonly answer: EntryAnswer }) {
  const { entry, details, snapshot, mediaType } = answer;
  const facts: [string, string, string?][] = [
    ["Type", mediaType === "" ? (typeWords[entry.type] ?? "") : mediaType],
    ...(entry.type === "file" ? ([["Size", `${formatCount(entry.sizeBytes)} bytes`]] as [string, string][]) : []),
    ["Changed", formatTime(entry.mtimeMs), formatExact(entry.mtimeMs)],
  ];
  if (details !== null) {
    if (details.btimeMs !== null) facts.push(["Made", formatTime(details.btimeMs), formatExact(details.btimeMs)]);
    facts.push(["Mode", `${formatMode(entry.mode)} (${entry.mode.toString(8).padStart(4, "0")})`]);
    facts.push(["Owner", `${entry.owner} (${details.uid})`], ["Group", `${entry.group} (${details.gid})`]);
    if (details.linkCount > 1) facts.push(["Links", plural(details.linkCount, "path")]);
    facts.push(["Inode", details.inode]);
    if (details.isSparse) facts.push(["Sparse", "has holes"]);
    if (details.hasChanged) facts.push(["Note", "changed while it was read"]);
    for (const { name, sizeBytes } of details.attributes) facts.push([name, formatBytes(sizeBytes)]);
  }
  if (snapshot !== null) facts.push(["Snapshot", `${snapshot.host}, ${formatTime(snapshot.timeMs)}`, snapshot.id]);
  return (
    <aside class="facts" aria-label="Facts">
      <dl>
        {facts.map(([name, value, title]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd title={title}>{value}</dd>
          </div>
        ))}
      </dl>
    </aside>
  );
}
