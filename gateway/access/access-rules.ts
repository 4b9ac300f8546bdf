import type { Principal } from "./principal.ts";

/** Who may ask. Made by `readAccess`; nothing else holds secrets of callers. */
export interface AccessRules {
  /** Whether anybody may ask for everything: nothing is configured, and only this machine can reach the gateway. */
  readonly isOpen: boolean;
  /**
   * Who an `Authorization` header (Basic or Bearer) speaks for. Takes the same time for a wrong name as for a wrong password.
   *
   * @param address - of the caller: guesses are counted for each name and address
   */
  authorize(header: string | undefined, address: string): Promise<Authorized>;
  /** The S3 key pair by that id, or undefined. */
  keyPair(accessKeyId: string): KeyPair | undefined;
}

/**
 * Who asks; or why they are not let in: `unknown` (no or wrong credentials), `guessing` (too many wrong passwords for this name from this
 * address), `busy` (too many passwords are being checked). The latter two are told before the password is looked at.
 */
export type Authorized = { readonly principal: Principal } | { readonly refusal: "unknown" | "guessing" | "busy" };

/** An S3 key pair: what a signature is checked with, and whom it speaks for. */
export type KeyPair = { readonly secretAccessKey: string; readonly principal: Principal };
