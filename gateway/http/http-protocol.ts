import { Hono } from "hono";
import { isHoldfastError } from "#shared/errors.ts";
import type { GatewayEnv } from "#gateway/gateway-env.ts";
import type { Protocol } from "#gateway/protocol.ts";
import { answerGet } from "./answer-get.ts";
import { errorPage, textPage } from "./error-page.ts";

/** Plain HTTP: pages of directories, files, archives. */
export const httpProtocol: Protocol = {
  name: "http",
  authentication: "gateway",
  app({ prefix }) {
    const app = new Hono<GatewayEnv>();
    app.all("*", async (c) => {
      const { method } = c.req;
      if (method === "OPTIONS") return textPage(200, "GET, HEAD, OPTIONS", method, { Allow: "GET, HEAD, OPTIONS" });
      if (method !== "GET" && method !== "HEAD") return textPage(405, "", method, { Allow: "GET, HEAD, OPTIONS" });
      try {
        return await answerGet({ view: c.get("view"), mount: c.get("mount"), prefix, request: c.req.raw, method });
      } catch (error) {
        if (isHoldfastError(error)) {
          c.get("logged").failure = error;
          return errorPage(error, method);
        }
        throw error;
      }
    });
    return app;
  },
};
