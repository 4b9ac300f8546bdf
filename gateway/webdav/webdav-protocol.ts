import { Hono } from "hono";
import { isHoldfastError } from "#shared/errors.ts";
import type { GatewayEnv } from "#gateway/gateway-env.ts";
import { errorPage, textPage } from "#gateway/http/error-page.ts";
import { writtenPath } from "#gateway/paths/request-path.ts";
import type { Protocol } from "#gateway/protocol.ts";
import { davGet } from "./dav-get.ts";
import { allowedMethods, davOptions } from "./dav-options.ts";
import { propfind } from "./propfind.ts";
import { refuseWrite } from "./refuse-write.ts";

/** WebDAV, class 1, read-only. @see RFC 4918, shared/decisions/0016 */
export const webdavProtocol: Protocol = {
  name: "webdav",
  authentication: "gateway",
  app({ prefix }) {
    const app = new Hono<GatewayEnv>();
    app.all("*", async (c) => {
      const { method, raw: request } = c.req;
      const view = c.get("view");
      const outer = c.env.prefix ?? "";
      try {
        if (method === "OPTIONS") return davOptions();
        if (method === "PROPFIND") return await propfind(view, request, { prefix, outer });
        if (method === "GET" || method === "HEAD") {
          return await davGet({ view, mount: c.get("mount"), prefix, request, method });
        }
        return (
          refuseWrite(method, outer + writtenPath(request.url)) ??
          textPage(405, "", method, { Allow: allowedMethods, DAV: "1" })
        );
      } catch (error) {
        if (!isHoldfastError(error)) throw error;
        c.get("logged").failure = error;
        return errorPage(error, method);
      }
    });
    return app;
  },
};
