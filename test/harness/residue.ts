/* What the machine holds for the containers that are there, and for no others: a look that is quick enough for after every kill. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { diskLeaks } from './disks.js';
import type { ServerFixture } from './fixture.js';
import { listLinks } from './links.js';
import { tableElements } from './nftables.js';
import { belongsToGroups, commandLine, findProcesses, readProc } from './processes.js';
import { cgroupParents } from './slot.js';
import { untilClean } from './wait.js';

/** What is there for containers other than those with these handles; empties within a moment where removal is under way. */
export async function residueBeside(server: ServerFixture, handles: readonly string[]): Promise<string[]> {
  const control = await server.connect();
  const ids = new Set<string>();
  for (const handle of handles) ids.add(basename((await control.info(handle)).container_path));
  const roundTrip = { arm: () => ({ event: control.ping().catch(() => undefined), disarm: () => {} }) };
  const complaints = await untilClean(() => look(server, ids, handles), roundTrip.arm, 5_000);
  control.close();
  return complaints;
}

async function look(server: ServerFixture, ids: ReadonlySet<string>, handles: readonly string[]): Promise<string[]> {
  const { slot, paths } = server;
  const strangers = (path: string): string[] =>
    (existsSync(path) ? readdirSync(path, { withFileTypes: true }) : []).filter((entry) => entry.isDirectory() && !ids.has(entry.name)).map((entry) => join(path, entry.name));
  const prefix = slot.network.split('.').slice(0, 2).join('.');
  const isKnown = (pid: number): boolean => {
    const text = `${commandLine(pid)} ${readProc(pid, 'cgroup')}`;
    return [...ids].some((id) => text.includes(id));
  };
  return [
    ...strangers(join(paths.depot, 'containers')),
    ...diskLeaks(paths),
    ...cgroupParents(slot).flatMap(strangers),
    ...(await listLinks()).filter(({ name, addresses }) => addresses.some((address) => address.startsWith(`${prefix}.`)) && !handles.some((handle) => name === `w-${handle}-0`)).map(({ name }) => `link ${name}`),
    ...(await listLinks()).filter(({ alias }) => alias.startsWith(`warden ${slot.table} `) && !ids.has(alias.split(' ')[2] ?? '')).map(({ name, alias }) => `link ${name} of ${alias}`),
    ...(await tableElements(slot.table)).filter((element) => /w-[^ "]+-0/.test(element) && !handles.some((handle) => element.includes(`w-${handle}-0`))).map((element) => `element ${element}`),
    ...findProcesses((pid) => belongsToGroups(pid, slot.cgroupParent) && !isKnown(pid)).map((pid) => `process ${pid}: ${commandLine(pid)}`),
  ];
}
