import { randomBytes } from "node:crypto";

/** A name under which a file is written before it takes the place of another. */
export function temporaryName(): string {
  return `.holdfast-${randomBytes(9).toString("base64url")}`;
}
