/* runc and crun have the same command line. A container is what their own `spec` writes, with the run's root file system, read-only, and an empty network namespace. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { IDLE, TRUE } from './peer.js';
import type { Images, Subject } from './peer.js';
import type { World } from './world.js';

interface Mount { readonly destination: string; readonly type: string; readonly source: string; readonly options: readonly string[] }
interface Specification { readonly process: object; readonly linux: object; readonly mounts: readonly Mount[] }

/** Of what `spec` has written: one idle process without a terminal. */
export function containerOf(specification: string, rootFileSystem: Images['rootFileSystem']): object {
  const base = JSON.parse(specification) as Specification;
  const mounts = rootFileSystem.mounts.map(({ source, destination }): Mount => ({ destination, type: 'bind', source, options: ['bind', 'ro'] }));
  return {
    ...base, process: { ...base.process, terminal: false, args: IDLE }, root: { path: rootFileSystem.directory, readonly: true }, mounts: [...mounts, ...base.mounts],
  };
}

export async function prepareRuntime(program: 'runc' | 'crun', world: World, { rootFileSystem }: Images): Promise<readonly Subject[]> {
  const bundle = `${world.directory}/bundle`;
  mkdirSync(bundle);
  await world.run(program, 'spec', '--bundle', bundle);
  writeFileSync(`${bundle}/config.json`, JSON.stringify(containerOf(readFileSync(`${bundle}/config.json`, 'utf8'), rootFileSystem)));
  return [{
    network: 'an empty namespace',
    create: (name) => world.run(program, 'run', '--detach', '--bundle', bundle, name),
    run: (name) => world.run(program, 'exec', name, TRUE),
    destroy: (name) => world.run(program, 'delete', '--force', name),
  }];
}
