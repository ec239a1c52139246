/*
 * Whether what many clients saw of one handle at the same time can have happened one operation after the other: a checker of
 * linearizability. Every operation takes effect at one moment between its request and its reply; a reply tells in which
 * states of the container that moment can have been.
 *
 * The events are gone through in their order with the set of all situations that are possible so far: the state, and which of
 * the operations under way have taken effect. A reply leaves only those in which its operation has; when none is left, there
 * is no order that explains the history. (Lowe, "Testing for linearizability", 2017, calls this just-in-time.)
 */

export type ContainerState = 'absent' | 'active' | 'stopped';

export interface HandleOperation {
  readonly client: number;
  /** What to print. */
  readonly text: string;
  /** Positions of request and reply in the order of all events; without a reply, where it can take effect no more. */
  readonly began: number;
  readonly ended: number;
  readonly effect: 'create' | 'destroy' | 'stop' | 'none';
  /** unknown: the daemon died before the reply; it has taken effect or not. */
  readonly outcome: 'done' | 'refused' | 'unknown';
  /** Of those refused and those without effect: the states in which there is this reply. */
  readonly seen: readonly ContainerState[];
}

export interface Violation {
  /** The reply that nothing explains. */
  readonly operation: HandleOperation;
  /** The states that were possible before it. */
  readonly possible: readonly ContainerState[];
}

interface Situation {
  readonly state: ContainerState;
  /** How far each operation under way has come; 0 when it is not here. */
  readonly progress: ReadonlyMap<HandleOperation, number>;
}

interface Step { readonly state: ContainerState; readonly progress: number }

const DONE = 9;
const MOST_SITUATIONS = 300_000;

/** What an operation can do next. */
function* stepsOf({ effect, outcome, seen }: HandleOperation, progress: number, state: ContainerState): Generator<Step> {
  if (progress === DONE) return;
  const alive = state !== 'absent';
  if (effect === 'destroy' && alive && progress === 0) yield { state: 'stopped', progress: state === 'active' ? 2 : 1 };
  if (outcome === 'refused' || effect === 'none') {
    if (seen.includes(state)) yield { state, progress: DONE };
  } else if (effect === 'create') {
    if (progress === 0 && !alive) yield { state: 'active', progress: outcome === 'unknown' ? 1 : DONE };
    // A create that was not acknowledged is whole or absent after the daemon's death, whoever has seen it before.
    if (progress === 1 && alive) yield { state: 'absent', progress: DONE };
  } else if (effect === 'destroy') {
    if (alive) yield { state: 'absent', progress: DONE };
    // Nor was this one: the container is whole again, as it was before its jobs were told to end.
    if (outcome === 'unknown' && progress === 2 && state === 'stopped') yield { state: 'active', progress: DONE };
  } else if (alive) {
    yield { state: 'stopped', progress: DONE };
  }
}

/** Those that died at the same time without a reply can stand for one another. */
function keyOf({ state, progress }: Situation, numbers: ReadonlyMap<HandleOperation, number>): string {
  const parts = [...progress].map(([operation, at]) => `${operation.outcome === 'unknown' ? `${operation.effect}@${operation.ended}` : numbers.get(operation)}:${at}`);
  return `${state} ${parts.sort().join(' ')}`;
}

/** An operation without effect is done as soon as it can be: that takes nothing away from the others. */
function settle(situation: Situation, pending: ReadonlySet<HandleOperation>): Situation {
  const progress = new Map(situation.progress);
  for (const operation of pending) {
    const isRead = operation.effect === 'none' || (operation.outcome === 'refused' && operation.effect !== 'destroy');
    if (isRead && operation.seen.includes(situation.state)) progress.set(operation, DONE);
  }
  return { state: situation.state, progress };
}

function explore(situations: readonly Situation[], pending: ReadonlySet<HandleOperation>, numbers: ReadonlyMap<HandleOperation, number>): Situation[] {
  const found = new Map<string, Situation>();
  const queue: Situation[] = [];
  const add = (raw: Situation): void => {
    const situation = settle(raw, pending);
    const key = keyOf(situation, numbers);
    if (found.has(key)) return;
    if (found.size >= MOST_SITUATIONS) throw new Error(`more than ${MOST_SITUATIONS} situations: too many operations at once for this checker`);
    found.set(key, situation);
    queue.push(situation);
  };
  situations.forEach(add);
  for (let situation = queue.pop(); situation !== undefined; situation = queue.pop()) {
    for (const operation of pending) {
      for (const { state, progress } of stepsOf(operation, situation.progress.get(operation) ?? 0, situation.state)) {
        add({ state, progress: new Map(situation.progress).set(operation, progress) });
      }
    }
  }
  return [...found.values()];
}

function without({ state, progress }: Situation, operation: HandleOperation): Situation {
  const rest = new Map(progress);
  rest.delete(operation);
  return { state, progress: rest };
}

/** Returns the first reply that no order of the operations explains; nothing when there is one that explains all. */
export function checkHandle(operations: readonly HandleOperation[]): Violation | undefined {
  const numbers = new Map(operations.map((operation, index) => [operation, index]));
  const events = operations.flatMap((operation) => [{ at: operation.began, operation, begins: true }, { at: operation.ended, operation, begins: false }]);
  events.sort((a, b) => a.at - b.at || Number(b.begins) - Number(a.begins));
  const pending = new Set<HandleOperation>();
  let situations: Situation[] = [{ state: 'absent', progress: new Map() }];
  for (const { operation, begins } of events) {
    if (begins) {
      pending.add(operation);
      continue;
    }
    const explored = explore(situations, pending, numbers);
    const explained = operation.outcome === 'unknown' ? explored : explored.filter(({ progress }) => progress.get(operation) === DONE);
    if (explained.length === 0) return { operation, possible: [...new Set(explored.map(({ state }) => state))] };
    pending.delete(operation);
    const kept = new Map(explained.map((situation) => without(situation, operation)).map((situation) => [keyOf(situation, numbers), situation]));
    situations = [...kept.values()];
  }
  return undefined;
}

/** Leaves out what has no effect and is not needed for the violation, many at once first: what is left is easier to read. */
export function shrinkHistory(operations: readonly HandleOperation[]): HandleOperation[] {
  const violated = checkHandle(operations)?.operation;
  let kept = operations.filter(({ began }) => began <= (violated?.ended ?? Infinity));
  for (let size = kept.length; size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < kept.length; at += size) {
      const candidates = new Set(kept.slice(at, at + size).filter((each) => each !== violated && each.outcome !== 'unknown' && (each.effect === 'none' || each.outcome === 'refused')));
      const fewer = kept.filter((each) => !candidates.has(each));
      if (candidates.size > 0 && checkHandle(fewer)?.operation === violated) kept = fewer;
    }
  }
  return kept;
}

export function printHistory(operations: readonly HandleOperation[]): string {
  const sorted = [...operations].sort((a, b) => a.began - b.began);
  return sorted.map(({ began, ended, client, text }) => `${String(began).padStart(8)} – ${String(ended).padEnd(8)} client ${client}: ${text}`).join('\n');
}
