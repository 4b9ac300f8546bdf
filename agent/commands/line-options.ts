/** The options that say among which snapshots `latest` counts. */
export const lineOptions = [
  { name: "host", type: "text", value: "HOST", description: "With latest: the newest snapshot of HOST." },
  { name: "name", type: "text", value: "NAME", description: "With latest: the newest snapshot of that name." },
  {
    name: "tag",
    type: "text",
    value: "TAG",
    repeatable: true,
    description: "With latest: the newest snapshot marked with TAG (with all, when repeated).",
  },
] as const;
