// Whether a server can be reached: its socket, the rights to it, and the answer.
import { lstatSync, readFileSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import type { Address, WardenClient } from 'warden-client';
import { Type, WardenError } from 'warden-protocol';
import { sentence } from '../sentence.js';
import { fail, type Finding, ok, warn } from './finding.js';

const TIMEOUT_MS = 5000;
/** As docs/performance.md has it, with room for a machine that is busy. */
const SLOW_PING_MS = 100;

/** Who asks. */
export interface Asker {
  readonly uid: number;
  readonly groups: readonly number[];
}

export function thisAsker(): Asker {
  return { uid: process.geteuid?.() ?? 0, groups: process.getgroups?.() ?? [] };
}

export async function checkServer(client: WardenClient, asker: Asker): Promise<Finding[]> {
  const socket = checkSocket(client.address, asker);
  if (socket.some(({ level }) => level === 'fail')) return socket;
  return [...socket, ...await checkAnswers(client)];
}

/** @returns nothing for a server elsewhere */
export function checkSocket(address: Address, asker: Asker, groupFile = '/etc/group'): Finding[] {
  if (!('path' in address)) return [];
  const { path } = address;
  let status: Stats;
  try {
    status = lstatSync(path);
  } catch (reason) {
    const { code } = reason as NodeJS.ErrnoException;
    if (code === 'EACCES') return [fail(`socket: ${path} cannot be looked at: ${dirname(path)} is not open to this user. Run this as root, or join the group of that directory`)];
    return [fail(`socket: there is no ${path}. Start wardend (systemctl start warden, or sudo npm start in a checkout), or name another socket: --socket PATH or $WARDEN_SOCKET`)];
  }
  if (!status.isSocket()) return [fail(`socket: ${path} is no socket. Name wardend's: --socket PATH or $WARDEN_SOCKET`)];
  const group = groupName(status.gid, groupFile);
  const rights = `${path} (mode 0${(status.mode & 0o777).toString(8)}, group ${group})`;
  const mask = asker.uid === status.uid ? 0o600 : asker.groups.includes(status.gid) ? 0o060 : 0o006;
  if (asker.uid !== 0 && (status.mode & mask) !== mask) {
    return [fail(`socket: ${rights} is not open to this user. Join the group (sudo usermod -aG ${group} $USER, and log in anew), or run this with sudo`)];
  }
  if ((status.mode & 0o002) !== 0) return [warn(`socket: ${rights} is open to everybody on this machine, who can then do what root of a container can. Set server.unix_domain_permissions to 0660`)];
  return [ok(`socket: ${rights}`)];
}

function groupName(gid: number, groupFile: string): string {
  try {
    const line = readFileSync(groupFile, 'utf8').split('\n').find((entry) => entry.split(':')[2] === String(gid));
    return line?.split(':')[0] ?? String(gid);
  } catch {
    return String(gid);
  }
}

async function checkAnswers(client: WardenClient): Promise<Finding[]> {
  const options = { timeoutMs: TIMEOUT_MS };
  try {
    await client.connect();
    const began = performance.now();
    await client.ping(options);
    const tookMs = performance.now() - began;
    const { handles } = await client.request(Type.List, {}, options);
    const time = `${tookMs.toFixed(1)} ms`;
    const answer = tookMs > SLOW_PING_MS ? warn(`server: a ping took ${time}. The machine is short of processor time, or wardend has too much to do`) : ok(`server: answers in ${time}, ${handles.length} container${handles.length === 1 ? '' : 's'}`);
    return [answer, ...await diskBackend(client, handles)];
  } catch (reason) {
    return [fail(`server: ${sentence(reason)}. Its log says more: journalctl -u warden, or logging.file of the configuration`)];
  }
}

/** A container tells what holds it to its disk limit. */
async function diskBackend(client: WardenClient, handles: readonly string[]): Promise<Finding[]> {
  const [handle] = handles;
  if (handle === undefined) return [];
  try {
    const { diskBackend: backend } = await client.info({ handle }, { timeoutMs: TIMEOUT_MS });
    if (backend === undefined) return [];
    return [backend === 'none' ? warn('disk limits: none. The server\'s log says at its start why; docs/limits.md what would do') : ok(`disk limits: ${backend}`)];
  } catch (reason) {
    // It may have gone since it was listed.
    if (WardenError.from(reason).code === 'not_found') return [];
    throw reason;
  }
}
