import { type ContentRequest, contentResponse } from "#gateway/content/content-response.ts";
import { textPage } from "./error-page.ts";

/** What an answer without content still tells of the file. */
const kept = ["Accept-Ranges", "Content-Range", "ETag", "Last-Modified"];

/** The answer of `contentResponse`, with words where a condition failed or the range is none of the file. Throws as that. */
export async function fileResponse(request: ContentRequest): Promise<Response> {
  const response = await contentResponse(request);
  const { status, headers } = response;
  if (status !== 412 && status !== 416) return response;
  const told = Object.fromEntries(
    kept.flatMap((name) => {
      const value = headers.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );
  return textPage(status, status === 416 ? `it has ${request.entry.sizeBytes} bytes` : "", request.method, told);
}
