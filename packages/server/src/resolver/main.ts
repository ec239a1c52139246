/**
 * The resolver: a process of its own, so that containers' questions never wait for wardend's event loop, nor that for them. It is
 * started by wardend, ends with it, and has no rights: wardend alone decides what a name opens, and does it.
 */
import { readFileSync } from 'node:fs';
import type { Ipv4Address } from '../lib/ipv4.js';
import { parseNameServers, replaceStubs } from '../lib/resolv-conf.js';
import type { FromResolver, ToResolver } from '../lib/resolver-messages.js';
import { systemClock } from '../lib/timer.js';
import { Answering, type FoundAddress } from './answering.js';
import { Clients } from './clients.js';
import { Listening } from './listening.js';
import { Upstream, type NameServer } from './upstream.js';

const dnsPort = 53;
/** nobody: owns nothing. */
const nobody = 65_534;
/** The host may move to another network. */
const serversAreFreshMs = 5000;
/** Of what goes wrong one line is told in this time. */
const problemPauseMs = 10_000;

const resolvConf = '/etc/resolv.conf';
/** What the stub of systemd-resolved asks itself. */
const resolvedConf = '/run/systemd/resolve/resolv.conf';

const clients = new Clients();
const waiting = new Map<number, (addresses: readonly Ipv4Address[]) => void>();
let nextRequest = 0;
let nextProblemMs = 0;

function tell(message: FromResolver): void {
  // Without wardend there is nobody to answer for: 'disconnect' ends this process.
  if (process.connected) process.send?.(message, () => undefined);
}

function open(client: Ipv4Address, name: string, found: readonly FoundAddress[]): Promise<readonly Ipv4Address[]> {
  return new Promise((resolve) => {
    const request = nextRequest++;
    waiting.set(request, resolve);
    tell({ type: 'open', request, client, name, found: [...found] });
  });
}

function report(reason: string): void {
  const now = systemClock.now();
  if (now < nextProblemMs) return;
  nextProblemMs = now + problemPauseMs;
  tell({ type: 'problem', text: reason.slice(0, 1000) });
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Configured ones, else the host's, read again when some time has passed. */
function nameServers(configured: readonly string[]): () => readonly NameServer[] {
  const at = (addresses: readonly string[]): NameServer[] => addresses.map((address) => ({ address, port: dnsPort }));
  if (configured.length > 0) return () => at(configured);
  let servers: readonly NameServer[] = [];
  let freshUntilMs = 0;
  return () => {
    const now = systemClock.now();
    if (now >= freshUntilMs) {
      servers = at(replaceStubs(parseNameServers(read(resolvConf)), parseNameServers(read(resolvedConf))));
      freshUntilMs = now + serversAreFreshMs;
    }
    return servers;
  };
}

/** All of them: this thread's and those of Node's others. */
function giveUpRights(): void {
  if (process.geteuid?.() !== 0) return;
  process.setgroups?.([]);
  process.setgid?.(nobody);
  process.setuid?.(nobody);
}

async function start({ port, servers }: Extract<ToResolver, { type: 'start' }>): Promise<void> {
  const upstream = new Upstream({ clock: systemClock, servers: nameServers(servers) });
  const listening = await Listening.open({ clients, answering: new Answering(upstream, open, report), clock: systemClock }, port);
  giveUpRights();
  tell({ type: 'listening', port: listening.port });
}

function receive(message: ToResolver): void {
  switch (message.type) {
    case 'start':
      start(message).catch((error: unknown) => {
        process.stderr.write(`resolver: ${error instanceof Error ? error.message : String(error)}\n`, () => process.exit(1));
      });
      return;
    case 'serve':
      clients.serve(message.client, message.patterns);
      return;
    case 'forget':
      clients.forget(message.client);
      return;
    case 'opened':
      waiting.get(message.request)?.(message.addresses);
      waiting.delete(message.request);
  }
}

process.on('disconnect', () => process.exit(0));
process.on('message', (message) => receive(message as ToResolver));
