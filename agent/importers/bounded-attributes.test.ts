import { describe, expect, it } from "vitest";
import { boundedAttributes } from "./bounded-attributes.ts";

describe("boundedAttributes", () => {
  it("keeps what fits and tells of what does not", () => {
    const large = new Uint8Array(3 * 1024 * 1024);
    const dropped: string[] = [];
    const kept = boundedAttributes(
      [
        ["user.a", large],
        ["user.b", large],
        ["user.c", new Uint8Array(1)],
      ],
      (message) => dropped.push(message),
    );
    expect(kept).toEqual([["user.a", large]]);
    expect(dropped).toHaveLength(2);
    expect(dropped[0]).toMatch(/^user\.b: it is not kept/);
  });

  it("is undefined for none", () => {
    expect(boundedAttributes([], () => undefined)).toBeUndefined();
  });
});
