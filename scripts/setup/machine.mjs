/**
 * What set-up needs to know before it does anything: Node's version, root rights, and who owns the checkout.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './setup-error.mjs';

const OLDEST_NODE = [20, 19];

/**
 * @param {string} version such as 20.19.0
 * @throws {SetupError} when it is older than the oldest that works
 */
export function requireNodeVersion(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new SetupError(`Node ${version} is too old: warden needs ${OLDEST_NODE.join('.')} or newer`, {
    remedy: 'Install a newer Node (for example from your distribution\'s backports or from the Node project) and try again.',
  });
}

/**
 * @param {string} command what to type instead
 * @param {number} [uid] effective user id
 */
export function requireRoot(command, uid = process.geteuid?.() ?? -1) {
  if (uid === 0) return;
  throw new SetupError('root rights are needed: containers are made of mounts, cgroups and network links', {
    remedy: `Run: sudo ${command}   (npm before version 9 gives root away in a folder that another user owns; then: sudo node scripts/start.mjs)`,
  });
}

/** @returns {{ name: string, id: string, codename: string }} what /etc/os-release says */
export function readOperatingSystem(path = '/etc/os-release') {
  /** @type {Record<string, string>} */
  const fields = {};
  try {
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      const match = /^([A-Z_]+)=(?:"([^"]*)"|'([^']*)'|(.*))$/.exec(line.trim());
      if (match?.[1]) fields[match[1]] = match[2] ?? match[3] ?? match[4] ?? '';
    }
  } catch {
    return { name: 'an unknown system', id: '', codename: '' }; // the name is only for people to read
  }
  return { name: fields['PRETTY_NAME'] ?? 'an unknown system', id: fields['ID'] ?? '', codename: fields['VERSION_CODENAME'] ?? '' };
}

/**
 * The user that npm and the compilers run as: the owner of the checkout, so that `sudo npm start` in somebody's
 * working copy does not leave root's files in it. Undefined means: as root, because root owns the checkout,
 * because the owner is unknown here, or because root's builds are there already.
 * @param {string} root the checkout
 * @param {string} [passwd]
 * @returns {{ uid: number, gid: number, home: string } | undefined}
 */
export function findBuildUser(root, passwd = '/etc/passwd') {
  if (process.geteuid?.() !== 0) return undefined;
  const { uid, gid } = statSync(join(root, 'package.json'));
  if (uid === 0) return undefined;
  for (const built of ['node_modules', 'native/build', 'packages/server/dist', 'scripts/dist']) {
    const found = statSync(join(root, built), { throwIfNoEntry: false });
    if (found && found.uid !== uid) return undefined;
  }
  if (statSync(root).uid !== uid) return undefined;
  for (const line of readFileSync(passwd, 'utf8').split('\n')) {
    const [, , id, , , home] = line.split(':');
    if (id === String(uid) && home && statSync(home, { throwIfNoEntry: false })?.isDirectory()) return { uid, gid, home };
  }
  return undefined;
}
