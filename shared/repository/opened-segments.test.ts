import { expect, it } from "vitest";
import { OpenedSegments } from "./opened-segments.ts";

function segment(fill: number, lengthBytes = 100): Uint8Array<ArrayBuffer> {
  return new Uint8Array(lengthBytes).fill(fill);
}

const options = { guessBytes: 100, take: (plain: Uint8Array): number | undefined => plain[0] };

it("opens a segment once for all that use it at once, and not again while it is kept", async () => {
  const segments = new OpenedSegments(1000);
  let opened = 0;
  const open = async (): Promise<Uint8Array<ArrayBuffer>> => segment(++opened);
  const together = await Promise.all([1, 2, 3].map(() => segments.use(7, { ...options, open })));
  expect(together).toEqual([1, 1, 1]);
  expect(await segments.use(7, { ...options, open })).toBe(1);
  expect(opened).toBe(1);
});

it("gives the memory of what was not used for longest back, at once", async () => {
  const segments = new OpenedSegments(250);
  const made = [1, 2, 3].map((fill) => segment(fill));
  for (const [ordinal, plain] of made.entries()) await segments.use(ordinal, { ...options, open: async () => plain });
  await Promise.resolve();
  expect(made.map((plain) => plain.byteLength)).toEqual([0, 100, 100]);
  expect(segments.sizeBytes).toBe(200);
});

it("keeps the memory of a segment that somebody waits for, and gives it back after", async () => {
  const segments = new OpenedSegments(150);
  const first = segment(1);
  const second = segment(2);
  let arrive: () => void = () => undefined;
  const arrival = new Promise<void>((resolve) => (arrive = resolve));
  const waits = [1, 2].map(() =>
    segments.use(1, { ...options, open: async () => arrival.then(() => first), take: (plain) => plain.slice() }),
  );
  expect(await segments.use(2, { ...options, open: async () => second })).toBe(2);
  expect(segments.sizeBytes).toBe(100);
  arrive();
  for (const wait of waits) expect(await wait).toEqual(segment(1));
  await Promise.resolve();
  expect(first.byteLength).toBe(0);
  expect(second.byteLength).toBe(100);
});

it("counts a segment as what it takes once that is known, and keeps one that is over the limit alone", async () => {
  const segments = new OpenedSegments(250);
  const large = segment(1, 400);
  expect(await segments.use(1, { ...options, guessBytes: 10, open: async () => large })).toBe(1);
  expect(segments.sizeBytes).toBe(400);
  await segments.use(2, { ...options, open: async () => segment(2) });
  await Promise.resolve();
  expect(large.byteLength).toBe(0);
  expect(segments.sizeBytes).toBe(100);
});

it("does not keep a failure", async () => {
  const segments = new OpenedSegments(250);
  const failing = { ...options, open: () => Promise.reject(new Error("no answer")) };
  await expect(segments.use(1, failing)).rejects.toThrow("no answer");
  expect(segments.sizeBytes).toBe(0);
  expect(await segments.use(1, { ...options, open: async () => segment(5) })).toBe(5);
});

it("gives back what is left of a segment when its use fails", async () => {
  const segments = new OpenedSegments(150);
  const plain = segment(1);
  const use = segments.use(1, {
    guessBytes: 100,
    open: async () => plain,
    take: () => {
      throw new Error("damaged");
    },
  });
  await expect(use).rejects.toThrow("damaged");
  await segments.use(2, { ...options, open: async () => segment(2) });
  await Promise.resolve();
  expect(plain.byteLength).toBe(0);
});
