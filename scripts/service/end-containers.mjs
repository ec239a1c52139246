#!/usr/bin/env node
/**
 * Destroys every container of this machine's server, and then takes the server's firewall away, before warden is removed. When no server answers, but its depot
 * has containers, one is started for it, at a socket that nobody else knows. Status 0 when no container is left; until then the firewall stays.
 * With --end-server a server that has the depot is ended first, whoever has started it: its programs are about to be removed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { WardenClient, WardenError } from '../../packages/client/dist/index.js';
import { isRunning, serverOf } from './depot-server.mjs';

const DEADLINE_MS = 120_000;
const CONNECT_MS = 2_000;
/** Between looks at a process that nobody tells us about. */
const LOOK_MS = 20;
/** Containers that are destroyed at a time. */
const AT_ONCE = 8;
const MOST_TOLD = 5;

const OWN_SOCKET = '/run/warden/removal.sock';
const FAMILIES = ['inet', 'arp'];

const wardend = fileURLToPath(new URL('../../bin/wardend', import.meta.url));

/** What the server makes of its configuration. @returns {{ socket: string, depot: string, table: string }} */
function readSettings() {
  const { status, stdout, stderr } = spawnSync(process.execPath, [wardend, '--show-config', '--json'], { encoding: 'utf8', timeout: DEADLINE_MS });
  if (status !== 0) throw new Error(`the configuration cannot be read: ${stderr.trim()}`);
  /** @type {Map<string, string>} */
  const settings = new Map(JSON.parse(stdout).map((/** @type {{ key: string, value: string }} */ { key, value }) => [key, value]));
  return { socket: settings.get('server.unix_domain_path') ?? '', depot: settings.get('server.container_depot_path') ?? '', table: settings.get('network.table') ?? '' };
}

/** @param {string} depot */
function hasContainers(depot) {
  const directory = join(depot, 'containers');
  return existsSync(directory) && readdirSync(directory).length > 0;
}

/**
 * One that cannot be destroyed holds up no other; one whose time is over meanwhile is gone, too.
 * @param {WardenClient} client
 * @param {AbortSignal} signal
 */
async function destroyAll(client, signal) {
  const { handles } = await client.list({}, { signal });
  const waiting = [...handles];
  /** @type {string[]} */
  const problems = [];
  const worker = async () => {
    for (let handle = waiting.pop(); handle !== undefined; handle = waiting.pop()) {
      try {
        await client.destroy({ handle }, { signal });
      } catch (error) {
        if (!(error instanceof WardenError && error.code === 'not_found')) problems.push(`${quoted(handle)}: ${textOf(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  if (problems.length > 0) throw new Error(`${problems.length} of ${handles.length} containers cannot be destroyed: ${problems.slice(0, MOST_TOLD).join('; ')}`);
  return handles.length;
}

/** Anybody's text, and whoever removes a package has a terminal. @param {string} handle */
function quoted(handle) {
  return JSON.stringify(handle).replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** @param {unknown} error */
function textOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/** @param {string} socket @param {AbortSignal} signal @returns {Promise<WardenClient | undefined>} undefined: no server answers */
async function connect(socket, signal) {
  const client = new WardenClient({ path: socket }, { connectTimeoutMs: CONNECT_MS });
  try {
    await client.ping({ signal });
    return client;
  } catch {
    await client.close();
    return undefined;
  }
}

/** A server of our own, until its socket answers. @param {AbortSignal} signal */
async function startServer(signal) {
  mkdirSync(dirname(OWN_SOCKET), { recursive: true, mode: 0o755 });
  const watcher = watch(dirname(OWN_SOCKET));
  // Without a pool it removes those that were made in advance.
  const own = ['--set', `server.unix_domain_path=${OWN_SOCKET}`, '--set', 'health_check_server.port=0', '--set', 'server.tls={}', '--set', 'pool.size=0', '--set', 'pool.others=[]'];
  const server = spawn(process.execPath, [wardend, ...own], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(server, 'exit').then(([status]) => { throw new Error(`wardend could not be started: it ended with status ${status}`); });
  ended.catch(() => undefined);
  try {
    for (;;) {
      const changed = once(watcher, 'change', { signal });
      changed.catch(() => undefined);
      const client = await connect(OWN_SOCKET, signal);
      if (client !== undefined) return { server, client };
      await Promise.race([changed, ended]);
    }
  } catch (error) {
    server.kill();
    throw error;
  } finally {
    watcher.close();
  }
}

/** Its containers live on. @param {string} depot */
async function endServer(depot) {
  const end = performance.now() + DEADLINE_MS;
  const server = serverOf(depot);
  if (server === undefined) return;
  try {
    process.kill(server.pid, 'SIGTERM');
  } catch (error) {
    // Unless it has ended by itself meanwhile.
    if (isRunning(server)) throw error;
  }
  // It gives the depot back before it is done.
  while (isRunning(server)) {
    if (performance.now() > end) throw new Error(`wardend, process ${server.pid}, does not end: end it and try again`);
    await sleep(LOOK_MS);
  }
}

/** Of a server that has ended; containers need it as long as they live. @param {string} table */
function removeFirewall(table) {
  for (const family of FAMILIES) spawnSync('nft', ['delete', 'table', family, table], { stdio: 'ignore', timeout: DEADLINE_MS });
}

/** @param {string} socket of the server that may be there */
async function endContainers(socket) {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const answering = await connect(socket, signal);
  const { server, client } = answering === undefined ? await startServer(signal) : { server: undefined, client: answering };
  try {
    const count = await destroyAll(client, signal);
    if (count > 0) process.stdout.write(`${count} container${count === 1 ? '' : 's'} destroyed\n`);
  } finally {
    await client.close();
    if (server !== undefined) {
      server.kill('SIGTERM');
      if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
    }
  }
}

try {
  const { socket, depot, table } = readSettings();
  if (process.argv.includes('--end-server')) await endServer(depot);
  if (hasContainers(depot)) await endContainers(socket);
  // A container in quarantine is in no list.
  if (hasContainers(depot)) throw new Error(`the server could not destroy what is in ${join(depot, 'containers')}`);
  removeFirewall(table);
} catch (error) {
  process.stderr.write(`ending containers: ${textOf(error)}\n`);
  process.exitCode = 1;
}
