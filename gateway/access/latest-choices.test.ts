import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { beforeEach, describe, expect, it } from "vitest";
import { manualClock } from "#shared/store/manual-clock.ts";
import { LatestChoices } from "./latest-choices.ts";

let clock = manualClock(0);
let choices = new LatestChoices(clock);
let newest = "A";
beforeEach(() => {
  clock = manualClock(0);
  choices = new LatestChoices(clock);
  newest = "A";
});

const client = ["ann", "10.0.0.1", "program"];
async function ask(
  question: string,
  options: { continues?: boolean; socket?: Socket } = {},
): Promise<string | undefined> {
  const choice = choices.of({ client, question, continues: false, ...options });
  const found = await choice.choose("latest", () => Promise.resolve(newest));
  choice.end();
  return found;
}
const socket = (): Socket => new EventEmitter() as Socket;

describe("a client that began to read a snapshot", () => {
  it("stays in it until it has been quiet for four minutes", async () => {
    expect(await ask("list /")).toBe("A");
    newest = "B";
    expect(await ask("list /a")).toBe("A");
    clock.advance(3 * 60_000);
    expect(await ask("list /b")).toBe("A");
    clock.advance(4 * 60_000 + 1);
    expect(await ask("list /c")).toBe("B");
  });

  it("stays in it while a response is on its way, however long", async () => {
    const slow = choices.of({ client, question: "get /big", continues: false });
    expect(await slow.choose("latest", () => Promise.resolve(newest))).toBe("A");
    newest = "B";
    clock.advance(3_600_000);
    expect(await ask("get /big")).toBe("A");
    slow.end();
    expect(await ask("get /small")).toBe("A");
  });

  it("stays in it when it asks for parts of the only file it asked for", async () => {
    expect(await ask("get /big")).toBe("A");
    newest = "B";
    expect(await ask("get /big", { continues: true })).toBe("A");
    expect(await ask("get /big")).toBe("A");
  });

  it("begins again when it has closed its connections, and not when this server did", async () => {
    const one = socket();
    expect(await ask("list /", { socket: one })).toBe("A");
    expect(await ask("list /a", { socket: one })).toBe("A");
    newest = "B";
    one.emit("close");
    expect(await ask("list /b", { socket: one })).toBe("A");
    one.emit("end");
    expect(await ask("list /", { socket: socket() })).toBe("B");
  });

  it("that takes a connection for each request is not taken for one that left", async () => {
    for (const question of ["list /", "list /a"]) {
      const each = socket();
      expect(await ask(question, { socket: each })).toBe("A");
      each.emit("end");
      newest = "B";
    }
    expect(await ask("list /b", { socket: socket() })).toBe("A");
  });
});

it("who asks one question again and again gets the newest, and so does another client", async () => {
  expect(await ask("get /x")).toBe("A");
  newest = "B";
  expect(await ask("get /x")).toBe("B");
  expect(await ask("get /y")).toBe("B");
  newest = "C";
  expect(await ask("get /x")).toBe("B");
  const other = choices.of({ client: ["bob"], question: "get /x", continues: false });
  expect(await other.choose("latest", () => Promise.resolve(newest))).toBe("C");
});

it("two first requests at once mean one snapshot", async () => {
  const both = ["get /x", "get /y"].map((question) => choices.of({ client, question, continues: false }));
  let count = 0;
  const found = await Promise.all(both.map((each) => each.choose("latest", () => Promise.resolve(`${++count}`))));
  expect(found[0]).toBe(found[1]);
});
