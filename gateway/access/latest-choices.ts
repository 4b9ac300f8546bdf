import type { Socket } from "node:net";
import type { Clock } from "#shared/clock.ts";
import type { ChooseLatest } from "#shared/view/store-view.ts";

/** Milliseconds without a request after which a walk has ended. */
const quietMs = 4 * 60_000;
/** Walks that are remembered; the one that asked longest ago is forgotten. */
const walksMax = 10_000;

/** A request, as far as it matters for which snapshot an alias means. */
export type WalkRequest = {
  /** Whoever sends this again is taken for the same client: user, address, program. */
  readonly client: readonly (string | undefined)[];
  /** What is asked: the same text for the same question. */
  readonly question: string;
  /** Whether it asks for a part of something whose other parts may be there already. */
  readonly continues: boolean;
  /** The connection, where it is the client's own. */
  readonly socket?: Socket | undefined;
};

/** The aliases of one request. */
export type LatestChoice = {
  readonly choose: ChooseLatest;
  /** What the client of this request began to read, undefined: nothing. */
  begun(alias: string): string | undefined;
  /** From now on this client reads that snapshot by the alias, since it was told of it. */
  keep(alias: string, id: string): void;
  /** The response has ended. */
  end(): void;
};

type Walk = {
  id: string;
  /** The only question that was asked; undefined: there were several, or parts were asked for. */
  only: string | undefined;
  atMs: number;
  responses: number;
  /** Whether the client asked more than once over one connection, so that its end is the end of the client. */
  reuses: boolean;
  readonly sockets: Map<Socket, number>;
};

/**
 * Remembers which snapshot `latest` meant for each client, so that a client that began to read one snapshot ends in it, while others are
 * committed. A client that closes all its connections has ended, and so has one that asks for nothing for four minutes; who has asked for one whole thing only has not
 * begun to walk. The next request then means the newest snapshot.
 *
 * Memory: about 500 bytes for each of `walksMax`.
 */
export class LatestChoices {
  readonly #clock: Clock;
  readonly #walks = new Map<string, Walk>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The choices of one request. */
  of(request: WalkRequest): LatestChoice {
    const chosen = new Map<string, Promise<string | undefined>>();
    const walks = new Set<Walk>();
    const nameOf = (alias: string): string => JSON.stringify([alias, ...request.client]);
    const join = (alias: string, walk: Walk): void => {
      const name = nameOf(alias);
      this.#walks.delete(name);
      this.#walks.set(name, walk);
      for (const [oldest] of this.#walks) {
        if (this.#walks.size <= walksMax) break;
        this.#walks.delete(oldest);
      }
      walk.atMs = this.#clock.nowMs();
      if (walks.has(walk)) return;
      walks.add(walk);
      walk.responses++;
      if (request.socket !== undefined) follow(walk, request.socket);
    };
    return {
      choose: (alias, newest) => {
        const known = chosen.get(alias);
        if (known !== undefined) return known;
        const choice = this.#choose(nameOf(alias), request, newest).then((found) => {
          if (found === undefined) return undefined;
          join(alias, found);
          return found.id;
        });
        chosen.set(alias, choice);
        return choice;
      },
      begun: (alias) => this.#current(nameOf(alias))?.id,
      keep: (alias, id) => {
        const known = this.#current(nameOf(alias));
        join(alias, known?.id === id ? known : newWalk(id, undefined));
        chosen.set(alias, Promise.resolve(id));
      },
      end: () => {
        for (const walk of walks) {
          walk.responses--;
          walk.atMs = this.#clock.nowMs();
        }
        walks.clear();
      },
    };
  }

  async #choose(
    name: string,
    { question, continues }: WalkRequest,
    newest: () => Promise<string | undefined>,
  ): Promise<Walk | undefined> {
    const walk = this.#current(name);
    if (walk !== undefined && (walk.responses > 0 || continues || walk.only !== question)) {
      if (continues || walk.only !== question) walk.only = undefined;
      return walk;
    }
    const id = await newest();
    if (id === undefined) return undefined;
    // Another request of the client may have begun meanwhile.
    const other = this.#current(name);
    if (other !== undefined && other !== walk) {
      if (other.only !== question) other.only = undefined;
      return other;
    }
    const begun = newWalk(id, continues ? undefined : question);
    this.#walks.set(name, begun);
    return begun;
  }

  /** Undefined: there is none, or it has ended. */
  #current(name: string): Walk | undefined {
    const walk = this.#walks.get(name);
    if (walk === undefined || walk.responses > 0) return walk;
    const hasLeft = walk.reuses && walk.sockets.size === 0;
    return hasLeft || this.#clock.nowMs() - walk.atMs > quietMs ? undefined : walk;
  }
}

function newWalk(id: string, only: string | undefined): Walk {
  return { id, only, atMs: 0, responses: 0, reuses: false, sockets: new Map() };
}

/** Sockets that are followed of one walk. */
const socketsMax = 1024;

/** Notes when the client, not this server, closes a connection. One that this server closed tells nothing: it counts as open. */
function follow(walk: Walk, socket: Socket): void {
  const requests = walk.sockets.get(socket);
  if (requests !== undefined) {
    walk.sockets.set(socket, requests + 1);
    walk.reuses = true;
    return;
  }
  if (walk.sockets.size >= socketsMax) return;
  walk.sockets.set(socket, 1);
  const left = (): void => void walk.sockets.delete(socket);
  socket.once("end", left);
  socket.once("error", left);
}
