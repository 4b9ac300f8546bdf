// The scan of the chunker, compiled by AssemblyScript to WASM (compile.ts). AssemblyScript is not TypeScript: here `u64`
// is a machine word, `load` reads memory (its last argument is a constant offset), and numbers wrap.
//
// The memory is the importer's: bytes 0..2047 are the gear table, 256 x u64, little endian.
// The readable twin, with the definition of a cut point, is `cut-point-portable.ts`.

const LANE: u32 = 4096;
const BLOCK: u32 = 2 * LANE;

// @ts-ignore: decorator
@inline
function gear(byte: u32): u64 {
  return load<u64>(byte << 3);
}

/** The hash before `at`, of the 63 bytes that still count once the byte at `at` has been added. */
// @ts-ignore: decorator
@inline
function warm(at: u32): u64 {
  let hash: u64 = 0;
  for (let p = at - 63; p < at; p++) hash = (hash << 1) + gear(load<u8>(p));
  return hash;
}

function scanInOrder(at: u32, end: u32, limit: u64): u32 {
  let hash = warm(at);
  for (let p = at; p < end; p++) {
    hash = (hash << 1) + gear(load<u8>(p));
    if (hash < limit) return p;
  }
  return end;
}

/**
 * The first position in [at, end) after whose byte the hash is below 2^(64 - bits), or `end`.
 * The 63 bytes before `at` are read; 1 <= bits <= 63.
 *
 * The hash after a byte depends on the 64 bytes up to it and on nothing else. So the two halves of a block are scanned side
 * by side, which keeps more of the processor busy than one chain of additions does. On a hit in either half the block is
 * gone through again in order from there, for the first hit is asked for.
 */
export function scan(at: u32, end: u32, bits: u32): u32 {
  const limit: u64 = (<u64>1) << (64 - <u64>bits);
  while (end - at >= BLOCK) {
    let a = warm(at);
    let b = warm(at + LANE);
    const laneEnd = at + LANE;
    let p = at;
    for (; p < laneEnd; p += 4) {
      a = (a << 1) + gear(load<u8>(p));
      b = (b << 1) + gear(load<u8>(p, LANE));
      if (a < limit) break;
      if (b < limit) break;
      a = (a << 1) + gear(load<u8>(p, 1));
      b = (b << 1) + gear(load<u8>(p, LANE + 1));
      if (a < limit) break;
      if (b < limit) break;
      a = (a << 1) + gear(load<u8>(p, 2));
      b = (b << 1) + gear(load<u8>(p, LANE + 2));
      if (a < limit) break;
      if (b < limit) break;
      a = (a << 1) + gear(load<u8>(p, 3));
      b = (b << 1) + gear(load<u8>(p, LANE + 3));
      if (a < limit) break;
      if (b < limit) break;
    }
    if (p < laneEnd) return scanInOrder(p, at + BLOCK, limit);
    at += BLOCK;
  }
  return scanInOrder(at, end, limit);
}
