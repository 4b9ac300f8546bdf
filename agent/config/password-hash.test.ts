import { argon2Verify } from "hash-wasm";
import { expect, it } from "vitest";
import { passwordHash } from "./password-hash.ts";

it("a password hash is a PHC text that its password fits and no other, with another salt each time", async () => {
  const hash = await passwordHash("pässword");
  expect(hash).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=4\$[\w+/]+\$[\w+/]+$/);
  expect(await argon2Verify({ password: "pässword", hash })).toBe(true);
  expect(await argon2Verify({ password: "password", hash })).toBe(false);
  expect(await passwordHash("pässword")).not.toBe(hash);
});
