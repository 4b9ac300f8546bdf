import type { Principal } from "./principal.ts";

/** Who may ask. Made by `readAccess`; nothing else holds secrets of callers. */
export interface AccessRules {
  /** Whether anybody may ask for everything: nothing is configured, and only this machine can reach the gateway. */
  readonly isOpen: boolean;
  /**
   * Who an `Authorization` header (Basic or Bearer) speaks for; undefined: nobody. Takes the same time for a wrong name as for a wrong
   * password.
   */
  authorize(header: string | undefined): Promise<Principal | undefined>;
  /** The S3 key pair by that id, or undefined. */
  keyPair(accessKeyId: string): KeyPair | undefined;
}

/** An S3 key pair: what a signature is checked with, and whom it speaks for. */
export type KeyPair = { readonly secretAccessKey: string; readonly principal: Principal };
