/** What went wrong, for people. */
export class AskError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Parameters of a question. Paths are written as they are; text goes through `encodeText`. */
export type Parameters = Readonly<Record<string, string | number | undefined>>;

/** Told when the session has ended. */
export const onLoggedOut = new Set<() => void>();

/** Asks the API. @throws {AskError} */
export async function ask<Answer>(name: string, parameters: Parameters = {}, signal?: AbortSignal): Promise<Answer> {
  const response = await send(urlOf(name, parameters), signal === undefined ? {} : { signal });
  return (await response.json()) as Answer;
}

/** Sends to the API. @throws {AskError} */
export async function tell<Answer>(name: string, body: unknown): Promise<Answer> {
  const response = await send(`api/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await response.json()) as Answer;
}

/** Asks what is answered line by line. @throws {AskError} also for a failure on the way */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what the lines are, as with `ask`
export async function askLines<Line>(
  name: string,
  parameters: Parameters,
  signal: AbortSignal,
  onLines: (lines: readonly Line[]) => void,
): Promise<void> {
  const response = await send(urlOf(name, parameters), { signal });
  const decoder = new TextDecoder();
  const reader = response.body?.getReader();
  let rest = "";
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
    const parts = rest.split("\n");
    rest = done ? "" : (parts.pop() ?? "");
    const lines = parts.filter((part) => part !== "").map((part) => JSON.parse(part) as Line & { error?: ErrorBody });
    const failure = lines.find((line) => line.error !== undefined)?.error;
    const good = lines.filter((line) => line.error === undefined);
    if (good.length > 0) onLines(good);
    if (failure !== undefined) throw new AskError(500, failure.message);
    if (done) return;
  }
}

/** The URL of a file's content or a directory's archive. */
export function filesUrl(path: string, query: "" | "download" | "tar" | "zip" = ""): string {
  const isArchive = query === "tar" || query === "zip";
  return `files${path}${isArchive && path !== "/" ? "/" : ""}${query === "" ? "" : `?${query}`}`;
}

/** Bytes of a file from `start` up to, not including, `end`. @throws {AskError} */
export async function readBytes(
  path: string,
  start: number,
  end: number,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  if (end <= start) return new Uint8Array(0);
  const response = await send(filesUrl(path), {
    headers: { Range: `bytes=${start}-${end - 1}` },
    ...(signal === undefined ? {} : { signal }),
  });
  return new Uint8Array(await response.arrayBuffer());
}

type ErrorBody = { readonly kind: string; readonly message: string };

function urlOf(name: string, parameters: Parameters): string {
  const pairs = Object.entries(parameters).flatMap(([each, value]) =>
    value === undefined ? [] : [`${each}=${value}`],
  );
  return `api/${name}${pairs.length === 0 ? "" : `?${pairs.join("&")}`}`;
}

async function send(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { ...init, credentials: "same-origin" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new AskError(0, "Holdfast does not answer. Is it still running?");
  }
  if (response.ok) return response;
  if (response.status === 401 && !url.endsWith("api/login")) for (const tellIt of onLoggedOut) tellIt();
  throw new AskError(response.status, await messageOf(response));
}

async function messageOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const { error } = JSON.parse(text) as { error?: ErrorBody };
    if (typeof error?.message === "string") return error.message;
  } catch {
    // It is plain text.
  }
  return text.slice(0, 200);
}
