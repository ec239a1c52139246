/* What `npm run bench` leaves when it is killed, and the next run removes: a daemon with containers, the mount of its depot, cgroups and tables. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { nativePrograms, repository } from '../harness/paths.js';
import { openDescriptors } from '../harness/processes.js';
import { buildRootfs } from '../harness/rootfs.js';
import { mustRun } from '../harness/run-program.js';

const module = (name: string): string => pathToFileURL(join(repository, `bench/dist/${name}.js`)).href;
const { programOf, removeLeftover } = (await import(module('leftover'))) as typeof import('../../bench/leftover.js');
const { groupsNamed, processesIn } = (await import(module('groups'))) as typeof import('../../bench/groups.js');
const { runNameOf } = (await import(module('run-name'))) as typeof import('../../bench/run-name.js');

/** A run with a daemon and two containers, killed. @returns its number, and that of its daemon */
async function killedRun(directory: string): Promise<{ pid: number; daemon: number }> {
  await buildRootfs(`${directory}/rootfs`);
  const script = `
    const { Server } = await import(${JSON.stringify(module('server'))});
    const { WardenClient } = await import(${JSON.stringify(pathToFileURL(join(repository, 'packages/client/dist/index.js')).href)});
    const server = new Server(${JSON.stringify(directory)}, ${JSON.stringify(`${directory}/rootfs`)}, ${JSON.stringify(nativePrograms)});
    await server.start();
    const client = await WardenClient.connect({ path: server.socket });
    for (let count = 0; count < 2; count++) {
      const { handle } = await client.create({});
      await client.spawn({ handle, script: 'exec sleep 1000' });
    }
    process.stdout.write(String(server.pid));`;
  const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [text] = (await once(child.stdout as NodeJS.EventEmitter, 'data')) as [Buffer];
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  return { pid: child.pid as number, daemon: Number(text.toString()) };
}

/** The monitors of a run's containers: they are in none of its groups, but have them open. One that has ended runs no program, even where nobody has waited for it. */
function monitorsOf(groups: readonly string[]): number[] {
  return readdirSync('/proc').map(Number).filter((pid) => pid > 0 && programOf(pid).endsWith('/monitor') && [...openDescriptors(pid).values()].some((path) => groups.includes(path)));
}

async function assertNothingIsLeft(name: string, directory: string): Promise<void> {
  assert.deepEqual(groupsNamed(name), []);
  assert.equal(existsSync(directory), false);
  assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(directory));
  const tables = await mustRun('nft', ['list', 'tables']);
  assert.ok(!JSON.stringify(tables).includes(name.replaceAll('-', '_')));
  const users = readdirSync('/proc').filter((pid) => {
    try {
      return Number(pid) > 0 && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(directory);
    } catch {
      return false;
    }
  });
  assert.deepEqual(users, []);
}

for (const isDamaged of [false, true]) {
  test(`what a killed run leaves is removed${isDamaged ? ', also when its daemon is dead and its depot is damaged' : ', with the daemon that has outlived it'}`, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'warden-left-'));
    t.after(() => { rmSync(directory, { recursive: true, force: true }); });
    const { pid, daemon } = await killedRun(directory);
    const name = runNameOf(pid);
    const processes = groupsNamed(name).flatMap(processesIn);
    const monitors = monitorsOf(groupsNamed(name));
    assert.ok(processes.length >= 4 && monitors.length === 2 && existsSync(`/proc/${daemon}`));
    if (isDamaged) {
      process.kill(daemon, 'SIGKILL');
      rmSync(`${directory}/depot/containers`, { recursive: true });
    }
    // Somebody who has a file of the depot open, and nothing to do with the run.
    const file = openSync(`${directory}/depot/lock`, 'r');
    const bystander = spawn('sleep', ['1000'], { stdio: [file, 'ignore', 'ignore'] });
    t.after(() => bystander.kill('SIGKILL'));
    closeSync(file);
    const ended = once(bystander, 'exit');
    await removeLeftover({ pid, started: '', directory }, nativePrograms);
    bystander.kill('SIGTERM');
    assert.deepEqual(await ended, [null, 'SIGTERM'], 'it was not ended with the run');
    await assertNothingIsLeft(name, directory);
    assert.deepEqual(monitors.filter((monitor) => programOf(monitor) !== ''), []);
  });
}
