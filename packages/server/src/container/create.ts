/**
 * create: take a container that was made in advance, when there is one that fits, or have one made; record it. Every step's undo is registered on the line
 * after it, so that a create that fails leaves nothing.
 */
import { FirewallMissing, LauncherGone } from '../host/launcher.js';
import { UndoStack } from '../lib/undo-stack.js';
import { buildContainer } from './build.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import type { CreateOrder } from './create-request.js';
import { hostInterfaceName } from './link.js';
import { prepareSnapshot, snapshotOf } from './snapshot.js';
import { watchContainer } from './watch.js';

/** @throws WardenError of any code; nothing is left then */
export function createContainer(containers: Containers, order: CreateOrder): Container | Promise<Container> {
  // One that waits is there in the same turn.
  const claimed = containers.waiting.isOpen ? containers.waiting.claim(order) : undefined;
  if (claimed instanceof Promise) return claimed.then((container) => container ?? createAnew(containers, order));
  return claimed ?? createAnew(containers, order);
}

async function createAnew(containers: Containers, order: CreateOrder): Promise<Container> {
  const ended = containers.waiting.creates.begin();
  try {
    return await withSecondChance(containers, (undo) => make(containers, order, undo));
  } finally {
    ended();
  }
}

/**
 * A create whose launcher died is made once more when all it had begun could be undone: a new launcher is started then. So is one that
 * found the firewall's tables gone, after they have been loaded.
 */
export async function withSecondChance(containers: Containers, make: (undo: UndoStack) => Promise<Container>): Promise<Container> {
  const first = await attempt(containers, make);
  if ('container' in first) return first.container;
  if (!first.undone || !(first.error instanceof LauncherGone || first.error instanceof FirewallMissing)) throw first.error;
  if (first.error instanceof FirewallMissing) await containers.firewall.load();
  const second = await attempt(containers, make);
  if ('container' in second) return second.container;
  throw second.error;
}

async function attempt(containers: Containers, make: (undo: UndoStack) => Promise<Container>): Promise<{ container: Container } | { error: unknown; undone: boolean }> {
  const undo = new UndoStack();
  try {
    const container = await make(undo);
    undo.discard();
    return { container };
  } catch (error) {
    const failures = await undo.unwind();
    for (const failure of failures) {
      containers.log.error({ err: failure.error, step: failure.name }, 'a step of a failed create could not be undone');
    }
    return { error, undone: failures.length === 0 };
  }
}

async function make(containers: Containers, order: CreateOrder, undo: UndoStack): Promise<Container> {
  const { host, ids } = containers;
  const release = order.handle === undefined ? undefined : await containers.reserveDecidedHandle(order.handle);
  if (release !== undefined) undo.push('release the handle', release);
  const id = freeId(containers, order.handle !== undefined);
  const handle = order.handle ?? freeHandle(containers, id);
  if (release === undefined) undo.push('release the handle', containers.reserveHandle(handle));

  let snapshot = '';
  const container = await buildContainer(containers, {
    id,
    handle,
    order,
    createdMs: ids.isAged(id) ? ids.now() : undefined,
    meanwhile: (born) => {
      snapshot = snapshotOf(born, host.bootId);
      prepareSnapshot(containers, id, snapshot);
    },
  }, undo);
  host.depot.writeSnapshot(id, snapshot);
  containers.add(container);
  containers.lifetimes.add(container);
  watchContainer(containers, container);
  return container;
}

/** An id that no container's interfaces are named by: a client's handle may have been that very text. */
function freeId(containers: Containers, hasHandle: boolean): string {
  const next = (): string => (hasHandle ? containers.ids.nextUnlisted() : containers.ids.next());
  let id = next();
  while (containers.isLinkNameTaken(hostInterfaceName(id))) id = next();
  return id;
}

/** The id serves as the handle, unless a client has chosen that very text. */
function freeHandle(containers: Containers, id: string): string {
  let handle = id;
  while (containers.isHandleTaken(handle)) handle = containers.ids.next();
  return handle;
}
