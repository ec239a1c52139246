/** What has to be there before anything is started. Each refusal is one line that says what to do. */
import { accessSync, constants, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WardenError } from 'warden-protocol';
import type { Log } from '../../lib/log.js';
import type { PortRange } from '../../lib/port.js';

const executables = ['launcher', 'monitor', 'wshd', 'files', 'archive'];
const seccompFilter = 'seccomp.bpf';
const ipForward = '/proc/sys/net/ipv4/ip_forward';

/** @throws WardenError permission */
export function requireRoot(): void {
  if (process.geteuid?.() !== 0) throw new WardenError('permission', 'wardend needs root rights: start it as root, for example with sudo');
}

/** @throws WardenError unavailable naming the program that is missing */
export function requirePrograms(programsPath: string): void {
  requireExecutables(programsPath, executables);
  const filter = join(programsPath, seccompFilter);
  try {
    accessSync(filter, constants.R_OK);
  } catch (error) {
    throw missing(filter, error);
  }
}

/** @throws WardenError unavailable naming the program that is missing */
export function requireExecutables(programsPath: string, names: readonly string[]): void {
  for (const name of names) {
    const path = join(programsPath, name);
    try {
      accessSync(path, constants.X_OK);
      if (!statSync(path).isFile()) throw new Error('not a file');
    } catch (error) {
      throw missing(path, error);
    }
  }
}

function missing(path: string, cause: unknown): WardenError {
  return new WardenError('unavailable', `${path} is missing or cannot be used: build it with "npm run build", or set server.programs_path`, { cause });
}

/** Packets of containers are forwarded by the host's kernel. */
export function enableForwarding(log: Log): void {
  if (readFileSync(ipForward, 'utf8').trim() === '1') return;
  writeFileSync(ipForward, '1');
  log.info({ path: ipForward }, 'switched on IPv4 forwarding');
}

/** What the kernel gives to connections of the machine's own: tcp(7), ip_local_port_range. */
export function readEphemeralPorts(text = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')): PortRange {
  const [first = 0, last = 0] = text.trim().split(/\s+/).map(Number);
  return { first, last };
}

/** The kernel's name for this boot of the machine. */
export function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** Hard limits of this process, by their numbers for setrlimit(2): the order of the file. */
export function hardLimits(text = readFileSync('/proc/self/limits', 'utf8')): bigint[] {
  const rows = text.split('\n').slice(1).filter((row) => row !== '');
  return rows.map((row) => {
    const hard = /^.{25}\s\S+\s+(\S+)/.exec(row)?.[1];
    return hard === undefined || hard === 'unlimited' ? 2n ** 64n - 1n : BigInt(hard);
  });
}

/** Soft limit of open files of this process; undefined when it is unlimited or unknown. */
export function openFileLimit(): number | undefined {
  const match = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
  return match?.[1] === undefined ? undefined : Number(match[1]);
}
