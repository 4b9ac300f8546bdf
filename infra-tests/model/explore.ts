/** One step of a model: what was done, and what comes of it. */
export type Step<State> =
  | { readonly label: string; readonly state: State }
  | { readonly label: string; readonly broken: string };

/** What an exploration found. */
export type Exploration = {
  /** Different states that were reached. */
  readonly states: number;
  /** Steps that were taken, also those to states reached before. */
  readonly steps: number;
  /** Steps from the first state to the farthest. */
  readonly depth: number;
  /** Whether every state that can be reached was: false when a limit or a violation ended it. */
  readonly complete: boolean;
  /** Every label of a step that was taken: what the exploration came to do. */
  readonly labels: ReadonlySet<string>;
  /** What was broken first, and the shortest way there. */
  readonly violation?: { readonly broken: string; readonly path: readonly string[] };
};

/**
 * Takes every step from every state that can be reached, in order of distance, each state once.
 *
 * Memory: about 200 bytes for each state, beside its key.
 *
 * @param model.key - equal for states that have the same future
 * @param model.broken - what is wrong in a state, or undefined
 * @param limitStates - where to stop
 */
export function explore<State>(
  model: {
    readonly initial: State;
    readonly key: (state: State) => string;
    readonly steps: (state: State) => Iterable<Step<State>>;
    readonly broken: (state: State) => string | undefined;
  },
  limitStates = Infinity,
): Exploration {
  const seen = new Set<string>([model.key(model.initial)]);
  const parents: number[] = [-1];
  const labels: string[] = [""];
  const labelOf = new Map<string, string>();
  let level: { readonly id: number; readonly state: State }[] = [{ id: 0, state: model.initial }];
  let steps = 0;
  let depth = 0;
  const pathTo = (id: number, last: string[]): string[] => {
    const path = last;
    for (let at = id; at > 0; at = parents[at] ?? -1) path.unshift(labels[at] ?? "");
    return path;
  };
  const result = (complete: boolean, violation?: Exploration["violation"]): Exploration => ({
    states: seen.size,
    steps,
    depth,
    complete,
    labels: new Set(labelOf.keys()),
    ...(violation === undefined ? {} : { violation }),
  });
  const first = model.broken(model.initial);
  if (first !== undefined) return result(false, { broken: first, path: [] });
  while (level.length > 0) {
    const next: typeof level = [];
    for (const { id, state } of level) {
      for (const step of model.steps(state)) {
        steps++;
        if ("broken" in step) return result(false, { broken: step.broken, path: pathTo(id, [step.label]) });
        const key = model.key(step.state);
        const label = labelOf.get(step.label) ?? step.label;
        labelOf.set(label, label);
        if (seen.has(key)) continue;
        seen.add(key);
        const child = parents.push(id) - 1;
        labels.push(label);
        const broken = model.broken(step.state);
        if (broken !== undefined) return result(false, { broken, path: pathTo(child, []) });
        if (seen.size >= limitStates) return result(false);
        next.push({ id: child, state: step.state });
      }
    }
    level = next;
    if (level.length > 0) depth++;
  }
  return result(true);
}
