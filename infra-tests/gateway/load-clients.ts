import { Agent, request as httpRequest } from "node:http";

/** One request of a load, and what makes its answer right. */
export type LoadRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly status: number;
  /** Bytes of the body; undefined: any. */
  readonly bytes: number | undefined;
};

/** What a load came to. */
export type LoadResult = {
  readonly requests: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Milliseconds from a request to the first byte of its body (or its end), ascending. */
  readonly firstByteMs: readonly number[];
  /** What went wrong: the first twenty, and how many there were. */
  readonly errors: readonly string[];
  readonly errorCount: number;
};

/**
 * Sends requests over keep-alive connections, each as soon as the one before it on the same connection has ended.
 *
 * @param options.next - the next request; undefined: there are no more
 * @param options.seconds - no request is begun later
 */
export async function load(options: {
  readonly url: string;
  readonly clients: number;
  readonly seconds: number;
  readonly next: () => LoadRequest | undefined;
}): Promise<LoadResult> {
  const { url, clients, seconds, next } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const began = performance.now();
  const errors: string[] = [];
  const firstByteMs: number[] = [];
  let bytes = 0;
  let errorCount = 0;
  const client = async (): Promise<void> => {
    while (performance.now() - began < seconds * 1000) {
      const wanted = next();
      if (wanted === undefined) return;
      try {
        const answer = await send(url, agent, wanted);
        bytes += answer.bytes;
        firstByteMs.push(answer.firstByteMs);
        const isRight =
          answer.status === wanted.status && (wanted.bytes === undefined || answer.bytes === wanted.bytes);
        if (isRight) continue;
        errors.push(`${wanted.method} ${wanted.path}: status ${answer.status}, ${answer.bytes} bytes`);
      } catch (error) {
        errors.push(`${wanted.method} ${wanted.path}: ${(error as Error).message}`);
      }
      errorCount++;
      errors.length = Math.min(errors.length, 20);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  agent.destroy();
  return {
    requests: firstByteMs.length,
    bytes,
    seconds: (performance.now() - began) / 1000,
    firstByteMs: firstByteMs.sort((left, right) => left - right),
    errors,
    errorCount,
  };
}

function send(
  url: string,
  agent: Agent,
  { method, path, headers }: LoadRequest,
): Promise<{ status: number; bytes: number; firstByteMs: number }> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const request = httpRequest(new URL(path, url), { method, headers, agent }, (response) => {
      let bytes = 0;
      let firstByteMs: number | undefined;
      response.on("data", (part: Buffer) => {
        firstByteMs ??= performance.now() - began;
        bytes += part.byteLength;
      });
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0, bytes, firstByteMs: firstByteMs ?? performance.now() - began });
      });
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end();
  });
}
