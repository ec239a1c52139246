/** Work on a container's files from outside of it: what a request may say, whose rights it has, and what the end of a container does to it. */
import { WardenError } from 'warden-protocol';
import type { Transfer, TransferEnd, TransferOrder, TransferSink, TransferUser } from '../host/transfer.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { endLifeIfGone } from './end-of-life.js';
import { checkUser } from './job-options.js';
import { rootUser, vcapUser } from './users.js';

export type { FileEntry, ProcessEntry, Transfer, TransferEnd, TransferSink } from '../host/transfer.js';

/** PATH_MAX less its NUL. */
const pathLimitInBytes = 4095;
const modeLimit = 0o7777;
/** What a request may carry besides its paths; longer content comes in pieces. */
export const contentLimitInBytes = 1024 * 1024;
/** Content up to this goes along with the order, and needs no answer of its own. */
const orderedContentInBytes = 32 * 1024;
/** Of an order that brings nothing but its answer. */
const nothing: TransferSink = { entries: () => true, content: () => true };

/** How many transfers of a container have not ended. */
const underWay = new WeakMap<Container, number>();

/** An order without what follows from the request's user. */
export type FileOrder = Omit<TransferOrder, 'user'> & { readonly user: string | undefined };

/**
 * Begins work on files. Its promises reject with not_found, exists, permission, invalid_argument and others, with the path in the message.
 * @throws WardenError invalid_argument, wrong_state; exhausted when the container has too many
 */
export function beginTransfer(containers: Containers, container: Container, { user, ...order }: FileOrder, sink: TransferSink = nothing): Transfer {
  container.requireState('active', 'stopped');
  checkPath('path', order.path);
  if (order.target !== undefined) checkPath(order.operation === 'rename' ? 'new_path' : 'name', order.target);
  if (order.mode !== undefined && order.mode > modeLimit) throw new WardenError('invalid_argument', `mode is at most ${modeLimit} (0o7777), not ${order.mode}`);
  if ((order.content?.length ?? 0) > contentLimitInBytes) throw tooMuch(order.content?.length ?? 0);
  const { files: { transfersMax, tarEntriesMax, tarBytesMax } } = containers.configuration;
  const count = underWay.get(container) ?? 0;
  if (count >= transfersMax) throw new WardenError('exhausted', `${count} requests for files of this container are under way, the limit (files.transfers_max)`);
  const limits = order.operation === 'tarIn' ? { entryLimit: BigInt(tarEntriesMax), byteLimit: BigInt(tarBytesMax) } : undefined;
  const direct = order.content !== undefined && order.content.length > orderedContentInBytes ? { ...order, content: undefined } : order;
  const transfer = container.monitor.transfer({ ...direct, ...limits, user: userOf(containers, container, user) }, sink);
  underWay.set(container, count + 1);
  const leave = (): void => void underWay.set(container, (underWay.get(container) ?? 1) - 1);
  transfer.ended.then(leave, leave);
  if (direct !== order && order.content !== undefined) void writeAll(transfer, order.content);
  const explained = <T>(answer: Promise<T>): Promise<T> => answer.catch((error: unknown) => explain(containers, container, error));
  const [opened, ended] = [explained(transfer.opened), explained(transfer.ended)];
  let failure: { error: unknown } | undefined;
  opened.catch(() => undefined);
  ended.catch((error: unknown) => {
    failure = { error };
  });
  return {
    opened,
    ended,
    write: async (data, taken) => {
      await transfer.write(data, taken);
      if (failure !== undefined) throw failure.error;
    },
    finish: () => transfer.finish(),
    resume: () => transfer.resume(),
    giveUp: () => transfer.giveUp(),
  };
}

/** Work that needs nothing but its answer. */
export function changeFiles(containers: Containers, container: Container, order: FileOrder, sink?: TransferSink): Promise<TransferEnd> {
  return beginTransfer(containers, container, order, sink).ended;
}

/** @throws WardenError invalid_argument for more than one request may carry */
export function checkContent(data: Uint8Array): void {
  if (data.length > contentLimitInBytes) throw tooMuch(data.length);
}

function tooMuch(size: number): WardenError {
  return new WardenError('invalid_argument', `data has ${size} bytes, the limit is ${contentLimitInBytes}: send the rest with transfer_data`);
}

async function writeAll(transfer: Transfer, content: Uint8Array): Promise<void> {
  try {
    await transfer.opened;
    await transfer.write(content);
    transfer.finish();
  } catch {
    // Its end tells why.
  }
}

function checkPath(what: string, path: Uint8Array): void {
  if (path.length === 0) throw new WardenError('invalid_argument', `${what} is empty`);
  if (path.length > pathLimitInBytes) throw new WardenError('invalid_argument', `${what} has ${path.length} bytes, the limit is ${pathLimitInBytes}`);
  if (path.includes(0)) throw new WardenError('invalid_argument', `${what} contains a NUL character`);
}

function userOf({ host: { lang } }: Containers, { identity }: Container, user: string | undefined): TransferUser {
  if (user !== undefined && user !== 'vcap' && user !== 'root') {
    checkUser(user);
    return { name: user };
  }
  const { id, privileged, home } = user === 'root' ? rootUser(lang) : vcapUser(identity.uid, lang);
  return { uid: id, gid: id, privileged, home };
}

/** What the end of a container did to a transfer is told as that. */
async function explain(containers: Containers, container: Container, error: unknown): Promise<never> {
  if (!(error instanceof WardenError) || error.code !== 'unavailable') throw error;
  if (container.lastInfo !== undefined) throw new WardenError('canceled', 'the container was destroyed meanwhile', { cause: error });
  await endLifeIfGone(containers, container);
  throw error;
}
