/**
 * What other software's firewall does to forwarded packets. A packet has to pass every table: what ours accepts another one may still drop, and then
 * containers reach nothing of what is open to them.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Log } from '../../lib/log.js';
import { unlessGone } from './unless-gone.js';

const deadlineMs = 5000;
/** A chain is some 200 bytes. */
const outputLimit = 4 << 20;
const legacyTables = '/proc/net/ip_tables_names';

/**
 * Chains at the hook forward that drop what none of their rules accepts, as a person would name them.
 * @param ownTable of the family inet, which is ours
 */
export function droppingChains(listing: string, ownTable: string): string[] {
  const found: string[] = [];
  let table = '';
  let chain = '';
  for (const line of listing.split('\n')) {
    table = /^table (\S+ \S+) \{/.exec(line)?.[1] ?? table;
    chain = /^\s+chain (\S+) \{/.exec(line)?.[1] ?? chain;
    if (/^\s+type filter hook forward .*policy drop;/.test(line) && /^(ip|inet) /.test(table) && table !== `inet ${ownTable}`) found.push(`chain ${chain} of table ${table}`);
  }
  return found;
}

/** Of iptables-legacy, whose tables nft does not see. */
export function isForwardDropped(rules: string): boolean {
  return /^-P FORWARD DROP$/m.test(rules);
}

/** Says in the log which of them there are. Nothing waits for it: programs are run. */
export async function warnOfForeignFirewalls(ownTable: string, log: Log): Promise<void> {
  const chains = droppingChains(await outputOf('nft', ['list', 'chains'], log), ownTable);
  const hasLegacy = unlessGone('', () => readFileSync(legacyTables, 'utf8')).split('\n').includes('filter');
  if (hasLegacy && isForwardDropped(await outputOf('iptables-legacy', ['-S', 'FORWARD'], log))) chains.push('chain FORWARD of iptables-legacy');
  for (const chain of chains) {
    log.warn({ event: 'foreign-firewall', chain }, `${chain} drops what is forwarded unless a rule of it accepts that: containers reach and are reached only as far as it accepts packets from and to interfaces w-*; docs/network.md shows rules for it`);
  }
}

async function outputOf(program: string, args: readonly string[], log: Log): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, args, { timeout: deadlineMs, maxBuffer: outputLimit, env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } });
    return stdout;
  } catch (error) {
    log.debug({ program, err: error }, 'what other firewalls do to forwarded packets is not known');
    return '';
  }
}
