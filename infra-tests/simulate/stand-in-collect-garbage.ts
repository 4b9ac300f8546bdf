/** Does nothing: the objects of a simulated world are small. */
export function collectYoungGarbage(): void {}

/** Does nothing, likewise. */
export function collectAllGarbage(): void {}
