import { type ErrorKind, errorKinds } from "#shared/errors.ts";

/** The table of exit codes, as `holdfast help errors` prints it and README shows it: a table in Markdown. */
export function errorsTable(): string {
  const rows = (Object.keys(errorKinds) as ErrorKind[]).map((kind) => {
    const { exitCode, exitName, meaning, retry } = errorKinds[kind];
    return `| ${exitCode} | ${exitName} | ${meaning} | ${retry ? "yes" : "no"} |`;
  });
  return [
    "| exit code | name | meaning | a retry can help |",
    "|---|---|---|---|",
    "| 0 | ok | everything was done | no |",
    ...rows,
  ].join("\n");
}
