#!/usr/bin/env node
/**
 * Destroys every container of this machine's server, before warden is removed. When no server answers, but its depot has containers, one is started for it.
 * Status 0 when no container is left.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WardenClient } from '../../packages/client/dist/index.js';

const DEADLINE_MS = 120_000;
const CONNECT_MS = 2_000;
/** Containers that are destroyed at a time. */
const AT_ONCE = 8;

const wardend = fileURLToPath(new URL('../../bin/wardend', import.meta.url));

/** Where the server is, by its own reading of its configuration. @returns {{ socket: string, depot: string }} */
function readPlaces() {
  const { status, stdout, stderr } = spawnSync(process.execPath, [wardend, '--show-config', '--json'], { encoding: 'utf8', timeout: DEADLINE_MS });
  if (status !== 0) throw new Error(`the configuration cannot be read: ${stderr.trim()}`);
  /** @type {Map<string, string>} */
  const settings = new Map(JSON.parse(stdout).map((/** @type {{ key: string, value: string }} */ { key, value }) => [key, value]));
  return { socket: settings.get('server.unix_domain_path') ?? '', depot: settings.get('server.container_depot_path') ?? '' };
}

/** @param {string} depot */
function hasContainers(depot) {
  const directory = join(depot, 'containers');
  return existsSync(directory) && readdirSync(directory).length > 0;
}

/** @param {WardenClient} client @param {AbortSignal} signal */
async function destroyAll(client, signal) {
  const { handles } = await client.list({ signal });
  const waiting = [...handles];
  const worker = async () => {
    for (let handle = waiting.pop(); handle !== undefined; handle = waiting.pop()) await client.destroy({ handle }, { signal });
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return handles.length;
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

/** A server of our own, until its socket answers. @param {string} socket @param {AbortSignal} signal */
async function startServer(socket, signal) {
  mkdirSync(dirname(socket), { recursive: true, mode: 0o755 });
  const watcher = watch(dirname(socket));
  const server = spawn(process.execPath, [wardend], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(server, 'exit').then(([status]) => { throw new Error(`wardend could not be started: it ended with status ${status}`); });
  ended.catch(() => undefined);
  try {
    for (;;) {
      const changed = once(watcher, 'change', { signal });
      changed.catch(() => undefined);
      const client = await connect(socket, signal);
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

async function main() {
  const { socket, depot } = readPlaces();
  if (!hasContainers(depot)) return;
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const answering = await connect(socket, signal);
  const { server, client } = answering === undefined ? await startServer(socket, signal) : { server: undefined, client: answering };
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
  await main();
} catch (error) {
  process.stderr.write(`ending containers: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
