/** Everything that the test machine is made of, in a directory that is removed with it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../setup/prepare.mjs';
import { DEPOTS, makeDisk } from './depots.mjs';
import { makeInitialArchive } from './initial-archive.mjs';
import { prepareKernel } from './kernel.mjs';
import { makeRootImage } from './root-image.mjs';

const CACHE = '/var/cache';
/** Not /tmp, which may be in memory: disks of some gigabytes, most of them holes. */
const WORK = '/var/tmp';

/**
 * @param {import('../setup/steps.mjs').Steps} steps
 * @param {object} options
 * @param {readonly string[]} options.depots their names, of DEPOTS
 * @param {Readonly<Record<string, string>>} options.files below /vm of the root
 * @returns {Promise<{ machine: import('./machine.mjs').Machine, remove: () => void }>}
 */
export async function prepareVirtualMachine(steps, { depots, files }) {
  const kernel = await steps.run('kernel of the virtual machine', async (progress) => {
    const value = await prepareKernel(CACHE, progress);
    return { text: value.version, value };
  });
  if (kernel === undefined) throw new Error('no kernel');
  const directory = mkdtempSync(join(WORK, 'warden-vm-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  process.once('exit', remove);
  const machine = await steps.run('disks of the virtual machine', async (progress) => {
    progress('initial archive');
    const initialArchive = join(directory, 'initial-archive');
    writeFileSync(initialArchive, await makeInitialArchive(kernel, join(root, 'scripts/vm/init.c'), directory));
    const wanted = DEPOTS.filter(({ name }) => depots.includes(name));
    const disks = [];
    for (const depot of wanted) disks.push({ name: depot.name, file: await makeDisk(depot, directory) });
    progress('root');
    const rootImage = await makeRootImage({
      project: root, directory,
      files: {
        'vm/start': readFileSync(join(root, 'scripts/vm/start.sh'), 'utf8'),
        'vm/depots': wanted.map(({ name, mountOptions }, index) => `${name} /dev/vd${String.fromCharCode('b'.charCodeAt(0) + index)} ${mountOptions}\n`).join(''),
        ...Object.fromEntries(Object.entries(files).map(([name, content]) => [`vm/${name}`, content])),
      },
    });
    return { text: `root, ${depots.join(', ')}`, value: { kernel: kernel.image, initialArchive, rootImage, disks } };
  });
  if (machine === undefined) throw new Error('no disks');
  return { machine, remove: () => { process.removeListener('exit', remove); remove(); } };
}
