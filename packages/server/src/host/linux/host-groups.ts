/** Groups of the machine by name, from /etc/group: no name service is asked, so nothing of it has to run before the server is ready. */
import { readFileSync } from 'node:fs';
import { WardenError } from 'warden-protocol';

const lastId = 0xffff_fffe;

/**
 * @param name a group's name, or its number
 * @throws WardenError not_found
 */
export function groupIdOf(name: string, text = readFileSync('/etc/group', 'utf8')): number {
  if (/^[0-9]{1,10}$/.test(name) && Number(name) <= lastId) return Number(name);
  for (const line of text.split('\n')) {
    const [found, , id = ''] = line.split(':');
    if (found === name && /^[0-9]{1,10}$/.test(id) && Number(id) <= lastId) return Number(id);
  }
  throw new WardenError('not_found', `server.unix_domain_group: there is no group ${name} in /etc/group: make it (groupadd --system ${name}), or give a number`);
}
