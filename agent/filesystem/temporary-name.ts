import { randomBytes } from "node:crypto";

/** How all names that `temporaryName` makes begin. */
export const temporaryPrefix = ".holdfast-restore-";
const pattern = /^\.holdfast-restore-[A-Za-z0-9_-]{12}$/;

/** A name under which a restore writes a file before it takes the place of another. */
export function temporaryName(): string {
  return temporaryPrefix + randomBytes(9).toString("base64url");
}

/** Whether a name is one that `temporaryName` makes. */
export function isTemporaryName(name: string): boolean {
  return name.charCodeAt(0) === 0x2e && name.length === temporaryPrefix.length + 12 && pattern.test(name);
}
