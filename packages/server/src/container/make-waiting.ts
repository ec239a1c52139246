/** Makes a container in advance: as create does, and then so far that only a client is missing. What was not recorded as waiting, the next server removes. */
import { WardenError } from 'warden-protocol';
import type { UndoStack } from '../lib/undo-stack.js';
import { buildContainer } from './build.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { withSecondChance } from './create.js';
import type { CreateOrder } from './create-request.js';
import { hostInterfaceName } from './link.js';
import { recipeDigest } from './recipe.js';
import { snapshotOf } from './snapshot.js';
import { WaitingContainer } from './waiting-container.js';
import { warmUp } from './warm-up.js';

export interface WaitingOrder {
  readonly rootfsPath: string;
  /** What it would be made from now. @throws WardenError */
  readonly recipe: () => string;
  readonly onLost: (waiting: WaitingContainer) => void;
}

/** @throws WardenError of any code; nothing is left then */
export async function makeWaiting(containers: Containers, order: WaitingOrder): Promise<WaitingContainer> {
  const made = new Map<Container, WaitingContainer>();
  const container = await withSecondChance(containers, async (undo) => {
    const waiting = await make(containers, order, undo);
    made.set(waiting.container, waiting);
    return waiting.container;
  });
  return made.get(container) as WaitingContainer;
}

async function make(containers: Containers, { rootfsPath, recipe: recipeNow, onLost }: WaitingOrder, undo: UndoStack): Promise<WaitingContainer> {
  const recipe = recipeNow();
  const id = reserveId(containers);
  undo.push('give up the id', () => containers.ids.drop(id));
  const container = await buildContainer(containers, { id, handle: id, createdMs: undefined, order: orderOf(rootfsPath), inAdvance: true }, undo);
  const waiting = new WaitingContainer(containers, container, recipe, onLost);
  await waiting.watch();
  await warmUp(containers, container);
  if (waiting.isLost) throw new WardenError('unavailable', 'it died before it was ready');
  recordWaiting(containers, waiting);
  return waiting;
}

/** Who is there after this server knows that no client has it. */
export function recordWaiting({ host }: Containers, { container, recipe }: WaitingContainer): void {
  host.depot.writeSnapshot(container.id, snapshotOf(container, host.bootId, [], { recipe: recipe === undefined ? '' : recipeDigest(recipe) }));
}

function reserveId(containers: Containers): string {
  const { ids } = containers;
  let id = ids.reserve();
  while (containers.isLinkNameTaken(hostInterfaceName(id))) {
    ids.drop(id);
    id = ids.reserve();
  }
  return id;
}

function orderOf(rootfsPath: string): CreateOrder {
  return { handle: undefined, graceTimeMs: null, rootfsPath, bindMounts: [], hooks: [], labels: new Map(), ttlMs: undefined, address: undefined };
}
