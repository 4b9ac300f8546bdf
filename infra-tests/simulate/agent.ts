import { backup } from "#shared/operations/backup/backup.ts";
import type { Journal, JournalRecord } from "#shared/operations/backup/journal.ts";
import { silentReporter } from "#shared/operations/progress.ts";
import { stateKey } from "#shared/store/object-key.ts";
import type { Store } from "#shared/store/store.ts";
import { Actor } from "./actor.ts";
import type { Life } from "./life.ts";
import { SourceFiles } from "./source-files.ts";
import type { World } from "./world.ts";

/** A host that backs its files up. Its journal outlives its crashes. */
export class Agent extends Actor {
  readonly #files: SourceFiles;
  readonly #keepsJournal: boolean;
  #records: JournalRecord[] = [];

  constructor(world: World, name: string) {
    super(world, name);
    this.#files = new SourceFiles(world.random);
    this.#keepsJournal = world.random.chance(0.7);
  }

  protected async work(life: Life, store: Store): Promise<void> {
    this.#files.change();
    const { oracle } = this.world;
    const content = this.#files.content();
    const noting: Store = {
      ...store,
      put: (key, body, options) => {
        if (key.startsWith("states/")) oracle.staged.set(key, content);
        return store.put(key, body, options);
      },
    };
    const repository = await this.open(life, noting);
    const report = await backup({
      repository,
      importers: [this.#files.importer()],
      host: this.name,
      user: "root",
      name: "default",
      tags: [],
      program: "simulated",
      force: this.world.random.chance(0.1),
      threads: 1,
      uploads: 2,
      reporter: { ...silentReporter, notice: ({ message }) => this.#count(message) },
      ...(this.#keepsJournal ? { journal: this.#journal() } : {}),
    });
    oracle.acknowledged(report.snapshotId, report.seq);
    if (oracle.staged.get(stateKey(report.snapshotId)) !== content)
      this.world.violate(`${this.name} was told of a snapshot that it did not make`);
    if (report.adoptedPacks > 0) this.world.count("packs adopted");
  }

  #count(notice: string): void {
    if (notice.includes("swept meanwhile")) this.world.count("went over its files again");
    else if (notice.includes("is missing or cut short")) this.world.violate(`${this.name} is told: ${notice}`);
  }

  #journal(): Journal {
    return {
      left: [...this.#records],
      add: (record) => void this.#records.push(record),
      clear: () => void (this.#records = []),
      close: () => undefined,
    };
  }
}
