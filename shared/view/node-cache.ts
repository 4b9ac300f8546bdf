import { encodeHex } from "#shared/bytes/hex.ts";
import { decodeTreeNode, type TreeNode } from "#shared/format/tree-node.ts";
import { ByteBoundedCache } from "#shared/repository/byte-bounded-cache.ts";
import type { ReadsBlobs } from "#shared/snapshot/snapshot-reader.ts";

/** Bytes that an item of a decoded node takes in memory, about. */
const itemBytes = 640;
/** What a node is counted as until it is decoded. */
const unknownNodeBytes = 128 * 1024;

/**
 * Decoded tree nodes, most recently used first, for all requests of the process: a node that several ask for at once is read once.
 *
 * Memory: `limitBytes`, estimated.
 */
export class NodeCache {
  readonly #nodes: ByteBoundedCache<string, Promise<TreeNode>>;

  constructor(limitBytes: number) {
    this.#nodes = new ByteBoundedCache(limitBytes);
  }

  /** The node by that id, read by `reader` if it is not here. Throws as `BlobReader.readNode`. */
  read(nodeId: Uint8Array, reader: ReadsBlobs): Promise<TreeNode> {
    const name = encodeHex(nodeId.subarray(0, 32));
    const kept = this.#nodes.get(name);
    if (kept !== undefined) return kept;
    const node = this.#load(name, nodeId, reader);
    this.#nodes.add(name, node, unknownNodeBytes);
    // A failure is not kept, so that a store that answers again is asked again.
    node.catch(() => this.#nodes.drop(name));
    return node;
  }

  async #load(name: string, nodeId: Uint8Array, reader: ReadsBlobs): Promise<TreeNode> {
    // A copy: what is decoded has views into it, which would hold the whole segment.
    const bytes = (await reader.readNode(nodeId)).slice();
    const node = decodeTreeNode(bytes, `tree node ${name}`);
    const items = "entries" in node ? node.entries.length : node.children.length;
    if (this.#nodes.get(name) !== undefined) {
      this.#nodes.add(name, Promise.resolve(node), bytes.byteLength + items * itemBytes);
    }
    return node;
  }
}
