/** How a snapshot is named, for the manuals of the commands that take one. */
export const snapshotText =
  "A SNAPSHOT is a prefix of its id of at least 4 hex digits; or `latest`, the newest snapshot of this host, with `latest~2` for its third newest; or `latest@HOST` and `latest~2@HOST` for those of another host. Where no snapshot is of this host and all are of one other host, `latest` means that host's, with a warning; where they are of several, it is refused.";

/** The options that say among which snapshots `latest` counts. */
export const lineOptions = [
  {
    name: "host",
    type: "text",
    value: "HOST",
    description: "With latest: the newest snapshot of HOST, as latest@HOST.",
  },
  { name: "name", type: "text", value: "NAME", description: "With latest: the newest snapshot of that name." },
  {
    name: "tag",
    type: "text",
    value: "TAG",
    repeatable: true,
    description: "With latest: the newest snapshot marked with TAG (with all, when repeated).",
  },
] as const;
