import type { View } from "#shared/view/view.ts";
import type { HoldfastError } from "#shared/errors.ts";
import type { Principal } from "./access/principal.ts";
import type { Mount } from "./mount.ts";

/** What a request carries through the app: `c.get("…")` in every handler. */
export type GatewayEnv = {
  /** What the door tells of the connection. */
  readonly Bindings: Connection;
  readonly Variables: {
    /**
     * The mounted view as this caller may see it. Not there for a protocol that authenticates itself: it sets `logged.principal` and asks
     * `mount.view(principal.grant)`.
     */
    view: View;
    /** Who asks. Not there for a protocol that authenticates itself. */
    principal: Principal;
    mount: Mount;
    /** What is added to the line of the access log; handlers write to it. */
    logged: Logged;
  };
};

/** Where a request came from. */
export type Connection = {
  /** The address of the caller; undefined where the door does not know it. */
  readonly address?: string | undefined;
};

/** What a handler adds to the line of the access log. */
export type Logged = { principal?: string | undefined; failure?: HoldfastError | undefined };
