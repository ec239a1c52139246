// The options of a container, which `run` and `create` share, and the container they make.
import { resolve } from 'node:path';
import { type Box, type BoxOptions, type Mount, type Reach, Warden } from 'warden-client';
import { WardenError } from 'warden-protocol';
import { commonLimits } from '../limit-options.js';
import { parseWhole } from '../size.js';
import type { Call, OptionTable } from '../subcommand/subcommand.js';

/** 136 years, the longest there is: people's containers live until they are removed. */
const FOR_EVER_SECONDS = 2 ** 32 - 1;
const MOST_PORT = 65_535;

export const BOX_OPTIONS: OptionTable = {
  name: { value: 'HANDLE', about: 'its handle; generated unless given' },
  label: { short: 'l', value: 'KEY=VALUE', many: true, about: 'a label, for people and for ps --filter' },
  volume: { short: 'v', value: 'SRC:DST[:ro]', many: true, about: 'a file or directory of the server\'s host in the container' },
  publish: { short: 'p', value: '[HOST:]CONTAINER[/udp]', many: true, about: 'a port of the host that leads to one of the container; one of the pool unless HOST is given' },
  net: { value: 'none|all|REACH', many: true, about: 'what it may reach: none (so it is unless given), all, or ADDRESS, NETWORK or DOMAIN with :PORT or :LOW-HIGH' },
  ip: { value: 'ADDRESS', about: 'an address of the pool, which picks its network' },
  memory: { short: 'm', value: 'SIZE', about: 'the most memory and swap, such as 256M' },
  cpus: { value: 'N', about: 'the most processors, fractions too' },
  'cpu-shares': { value: 'N', about: 'its part of the processors when they are short; 1024 unless given' },
  'cpuset-cpus': { value: 'LIST', about: 'the processors it may run on, such as 0-2,5' },
  pids: { value: 'N', about: 'the most processes and threads' },
  disk: { value: 'SIZE', about: 'the most that it may write to its disk, such as 1G' },
  ttl: { value: 'SECONDS', about: 'remove it when it has existed so long, used or not' },
  grace: { value: 'SECONDS', about: 'how long it lives on when nobody is connected to it' },
  pull: { value: 'WHEN', choices: ['missing', 'always', 'never'], about: 'when an image is fetched from its registry: missing unless given' },
};

interface Publication {
  readonly hostPort: number | undefined;
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp';
}

/** What a container is made with, checked before anything is done. */
export interface WantedBox {
  readonly options: BoxOptions;
  readonly ports: readonly Publication[];
}

/** @throws WardenError invalid_argument, naming the option */
export function wantedBox(call: Call): WantedBox {
  const [grace, ttl] = [call.value('grace'), call.value('ttl')];
  const allow = call.values('net').flatMap(reachesOf);
  return {
    options: {
      handle: call.value('name'),
      labels: labelsOf(call.values('label')),
      ttlSeconds: ttl === undefined ? undefined : parseWhole('--ttl', ttl, 1, FOR_EVER_SECONDS),
      mounts: call.values('volume').map(mountOf),
      limits: { ...commonLimits(call, false), cpuList: call.value('cpuset-cpus') },
      network: { address: call.value('ip'), allow },
      graceTimeSeconds: grace === undefined ? FOR_EVER_SECONDS : parseWhole('--grace', grace, 0, FOR_EVER_SECONDS),
    },
    ports: call.values('publish').map(publicationOf),
  };
}

/** The container; when a limit, a rule or a port cannot be had there is none. Disposing of it does not destroy it. */
export async function makeBox({ context: { client } }: Call, { options, ports }: WantedBox, rootfs: string | undefined): Promise<Box> {
  const box = (await new Warden(client.address, { traceparent: client.traceparent }).create({ ...options, rootfs })).release();
  try {
    for (const { containerPort, hostPort, protocol } of ports) await box.expose(containerPort, { hostPort, protocol });
    return box;
  } catch (reason) {
    await box.destroy().catch(() => undefined);
    throw reason;
  }
}

/** Of one key the last. */
function labelsOf(texts: readonly string[]): Readonly<Record<string, string>> | undefined {
  if (texts.length === 0) return undefined;
  return Object.fromEntries(texts.map((text) => {
    const equals = text.indexOf('=');
    return equals === -1 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
  }));
}

function mountOf(text: string): Mount {
  const [source = '', target = '', mode = 'rw', ...rest] = text.split(':');
  if (source === '' || target === '' || rest.length > 0 || !/^(?:ro|rw)$/.test(mode)) throw invalid(`-v is SRC:DST or SRC:DST:ro, not ${JSON.stringify(text)}`);
  if (!/^[./]/.test(source)) throw invalid(`-v: ${JSON.stringify(source)} is no path: write ./${source} for a directory here; volumes with names are not there`);
  if (!target.startsWith('/')) throw invalid(`-v: DST is an absolute path in the container, not ${JSON.stringify(target)}`);
  return { source: resolve(source), target, writable: mode === 'rw' };
}

function publicationOf(text: string): Publication {
  const [, host, container = '', protocol = 'tcp'] = /^(?:(\d{1,5}):)?(\d{1,5})(?:\/(tcp|udp))?$/.exec(text) ?? [];
  if (container === '') throw invalid(`-p is HOST:CONTAINER or CONTAINER, ports, with /udp for UDP, not ${JSON.stringify(text)}; a port of the host is open on all its addresses`);
  return {
    hostPort: host === undefined ? undefined : parseWhole('the host\'s port of -p', host, 1, MOST_PORT),
    containerPort: parseWhole('the container\'s port of -p', container, 1, MOST_PORT),
    protocol: protocol === 'udp' ? 'udp' : 'tcp',
  };
}

function reachesOf(text: string): Reach[] {
  if (text === 'none') return [];
  if (text === 'all') return [{ network: '0.0.0.0/0', protocol: 'all' }];
  if (text === 'host' || text === 'bridge') throw invalid(`--net ${text} is not there: a container has a network of its own; --net all lets it reach everything that the server allows`);
  return [text];
}

function invalid(message: string): WardenError {
  return new WardenError('invalid_argument', message);
}
