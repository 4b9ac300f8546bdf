import type { View } from "#shared/view/view.ts";
import type { Principal } from "./access/principal.ts";
import type { Mount } from "./mount.ts";

/** What a request carries through the app: `c.get("…")` in every handler. */
export type GatewayEnv = {
  readonly Variables: {
    /** The mounted view as this caller may see it. Absent for S3, which knows its caller only when it has checked the signature. */
    view: View;
    /** Who asks. */
    principal: Principal;
    mount: Mount;
    /** What is added to the line of the access log. */
    logged: { principal: string | undefined };
  };
};
