import type { Socket } from "node:net";
import type { View } from "#shared/view/view.ts";
import type { HoldfastError } from "#shared/errors.ts";
import type { LatestChoice } from "./access/latest-choices.ts";
import type { Principal } from "./access/principal.ts";
import type { Mount } from "./mount.ts";

/** What a request carries through the app: `c.get("…")` in every handler. */
export type GatewayEnv = {
  /** What the door tells of the connection. */
  readonly Bindings: Connection;
  readonly Variables: {
    /**
     * The mounted view as this caller may see it. Not there for a protocol that authenticates itself: it calls `letIn`.
     */
    view: View;
    /** Which snapshots `latest` and its kind mean for this caller, once it is known who that is. */
    latest: LatestChoice;
    /** Who asks. Not there for a protocol that authenticates itself. */
    principal: Principal;
    /** Notes who asks, and gives the mounted view as they may see it. */
    letIn: (principal: Principal) => View;
    mount: Mount;
    /** What is added to the line of the access log; handlers write to it. */
    logged: Logged;
  };
};

/** Where a request came from. */
export type Connection = {
  /** The address of the caller; undefined where the door does not know it. */
  readonly address?: string | undefined;
  /** What stands before every path where the caller sees it, as a trusted proxy tells: "/backup". Undefined: nothing. */
  readonly prefix?: string | undefined;
  /** The connection, where it is the caller's own. */
  readonly socket?: Socket | undefined;
};

/** What a handler adds to the line of the access log. */
export type Logged = {
  principal?: string | undefined;
  failure?: HoldfastError | undefined;
  /** Called when the response has ended, however it ended. */
  onEnd?: (() => void) | undefined;
};
