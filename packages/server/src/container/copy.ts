/**
 * copy_in and copy_out: files between the host and a container. Both sides are processes of their own (native/files); what is in the container is read and
 * made with the rights of vcap.
 */
import { WardenError, type RequestOf, type Type } from 'warden-protocol';
import type { CopyCounts, CopyOrder, CopyResult } from '../host/copies.js';
import { writableSources } from './bind-mounts.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { vcapUser } from './users.js';

export type { CopyCounts, CopyResult };

type CopyRequest = Omit<RequestOf<Type.CopyIn> & RequestOf<Type.CopyOut>, 'handle' | 'progress'>;

/** What a copy's client wants besides. */
export interface CopyListener {
  /** Some ten times a second. */
  progress(counts: CopyCounts): void;
  /** Calls back once when the client has gone, and nobody wants the copy any more. */
  onGone(callback: () => void): void;
}

/** Of the kernel, with the NUL at the end. */
const pathLimitInBytes = 4095;

/** @throws WardenError invalid_argument, not_found, permission, wrong_state, exhausted; canceled when the client has gone; what is whole then stays */
export async function copyFiles(containers: Containers, container: Container, direction: 'in' | 'out', request: CopyRequest, listener: CopyListener): Promise<CopyResult> {
  const order = orderOf(containers, container, direction, request);
  container.requireState('active', 'stopped');
  const copying = containers.host.copies.start(order, (counts) => listener.progress(counts));
  listener.onGone(() => copying.giveUp());
  try {
    return await copying.done;
  } catch (error) {
    // What the container's side says then is that it was killed.
    container.requireState('active', 'stopped');
    throw error;
  }
}

function orderOf(containers: Containers, container: Container, direction: 'in' | 'out', { srcPath, dstPath, owner, keepSetId }: CopyRequest): CopyOrder {
  const { host, configuration: { files } } = containers;
  checkPath('src_path', srcPath, direction === 'in');
  checkPath('dst_path', dstPath, direction === 'out');
  const { id: uid, home } = vcapUser(container.identity.uid, host.lang);
  return {
    direction,
    directory: container.directory,
    source: srcPath,
    destination: dstPath,
    user: { uid, gid: uid, home },
    writable: writableSources(containers),
    owner: owner === undefined || owner === '' ? undefined : host.accounts.owner(owner),
    keepSetId: keepSetId ?? false,
    entryLimit: BigInt(files.copyEntriesMax),
    byteLimit: BigInt(files.copyBytesMax),
  };
}

function checkPath(name: string, path: string, onHost: boolean): void {
  if (path === '' || path.includes('\0') || Buffer.byteLength(path) > pathLimitInBytes) {
    throw new WardenError('invalid_argument', `${name}: has to be a path of 1 to ${pathLimitInBytes} bytes without NUL`);
  }
  if (onHost && !path.startsWith('/')) throw new WardenError('invalid_argument', `${name}: ${path.slice(0, 200)}: a path on the server's host has to begin with /`);
}
