/**
 * Users and groups of the host, from /etc/passwd and /etc/group as they are now. No name service is asked: what it
 * would load and whom it would ask is nobody's to choose for a process with the daemon's rights.
 */
import { WardenError } from 'warden-protocol';
import type { Accounts, HostOwner } from '../copies.js';
import { readSmallFile } from './small-file.js';

const fileLimitInBytes = 8 * 1024 * 1024;
/** The last two are what "no change" and "nobody knows" are to the kernel. */
const lastId = 0xffff_fffd;

export interface AccountFiles {
  /** @returns the text; empty when there is no such file */
  readonly passwd: () => string;
  readonly group: () => string;
}

export class LinuxAccounts implements Accounts {
  owner(text: string): HostOwner {
    return parseOwner(text, { passwd: () => readSmallFile('/etc/passwd', fileLimitInBytes) ?? '', group: () => readSmallFile('/etc/group', fileLimitInBytes) ?? '' });
  }
}

/** Pure, but for the files. @throws WardenError as Accounts.owner */
export function parseOwner(text: string, files: AccountFiles): HostOwner {
  const parts = /^([^:]*)(?:(:)([^:]*))?$/.exec(text);
  const [user = '', separator, group = ''] = parts?.slice(1) ?? [];
  if (parts === null || (user === '' && group === '')) throw malformed(text);
  const uid = user === '' ? { id: 0, group: undefined } : find('user', user, files.passwd);
  if (group !== '') return { uid: uid.id, gid: find('group', group, files.group).id };
  if (separator === undefined || user === '') return { uid: uid.id, gid: 0 };
  if (uid.group === undefined) throw new WardenError('invalid_argument', `owner ${JSON.stringify(text)}: a number has no group of its own; name the group behind the colon`);
  return { uid: uid.id, gid: uid.group };
}

function find(kind: 'user' | 'group', name: string, file: () => string): { readonly id: number; readonly group: number | undefined } {
  if (/^\d{1,10}$/.test(name)) {
    const id = Number(name);
    if (id > lastId) throw new WardenError('invalid_argument', `owner: ${kind} ${name} is beyond ${lastId}`);
    return { id, group: undefined };
  }
  if (!/^[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?$/.test(name)) throw malformed(name);
  for (const line of file().split('\n')) {
    const [entry, , id, group] = line.split(':');
    if (entry === name && id !== undefined && /^\d{1,10}$/.test(id) && Number(id) <= lastId) {
      return { id: Number(id), group: group !== undefined && /^\d{1,10}$/.test(group) && Number(group) <= lastId ? Number(group) : undefined };
    }
  }
  throw new WardenError('not_found', `owner: this machine has no ${kind} ${name}`);
}

function malformed(text: string): WardenError {
  return new WardenError('invalid_argument', `owner ${JSON.stringify(text.slice(0, 100))}: has to be USER, USER:GROUP or USER:, each a name or a number`);
}
