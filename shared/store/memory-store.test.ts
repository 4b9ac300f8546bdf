import { memoryStore } from "./memory-store.ts";
import { storeConformance } from "./store.conformance.ts";

storeConformance(
  "memoryStore",
  async () => {
    const store = memoryStore();
    return { store, dispose: () => store.close() };
  },
  { tellsSha256: true },
);
