import { type ErrorKind, errorKinds } from "#shared/errors.ts";

/** One exit code, and what it says. */
export type ExitCode = {
  readonly exitCode: number;
  readonly exitName: string;
  readonly meaning: string;
  readonly retry: boolean;
};

/** All exit codes, in order of their numbers. */
export function exitCodes(): readonly ExitCode[] {
  const kinds = Object.keys(errorKinds) as ErrorKind[];
  return [
    { exitCode: 0, exitName: "ok", meaning: "everything was done", retry: false },
    ...kinds.map((kind) => errorKinds[kind]),
  ];
}

/** The table of exit codes in Markdown, as README shows it. */
export function errorsTable(): string {
  const rows = exitCodes().map(
    ({ exitCode, exitName, meaning, retry }) => `| ${exitCode} | ${exitName} | ${meaning} | ${retry ? "yes" : "no"} |`,
  );
  return ["| exit code | name | meaning | a retry can help |", "|---|---|---|---|", ...rows].join("\n");
}
