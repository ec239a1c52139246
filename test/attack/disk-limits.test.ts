/* D6: ways out of a disk limit that a file system itself offers: containers see an overlay, which passes none of them on. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { output } from '../harness/expect.js';
import { diskOf } from '../harness/disks.js';
import { useServer } from '../harness/fixture.js';
import { compileProbe } from '../harness/programs.js';
import { mustRun } from '../harness/run-program.js';

const server = useServer({ server: { quota: { backend: 'btrfs' } }, rootfs: { probes: ['escape-disk'] } });
const answers = (text: string): Map<string, number> => new Map(text.trim().split('\n').map((line) => [line.split(' ')[0] ?? '', Number(line.split(' ')[1])]));

for (const privileged of [false, true]) {
  test(`${privileged ? 'a privileged job' : 'an ordinary job'} makes no subvolume and no snapshot, and changes no limit, quota or project`, async () => {
    const { client, handle } = await server.container();
    await client.request('limit_disk', { handle, byte_limit: 8n << 20n });
    for (const directory of ['/home/vcap', '/tmp', '/']) {
      const tried = answers(output(await client.run(handle, `cd ${directory} && /probes/escape-disk`, { privileged })));
      assert.equal(tried.size, 5);
      for (const [what, errno] of tried) assert.notEqual(errno, 0, `${what} in ${directory}`);
    }
    assert.equal((await client.request('limit_disk', { handle }))['byte_limit'], 8n << 20n);
  });
}

test('on the disk itself the same program makes a subvolume and a snapshot: what hides it is the overlay', async () => {
  const { client, handle } = await server.container();
  const disk = join(server.paths.depot, 'disks', diskOf((await client.info(handle)).container_path) ?? '');
  const directory = join(disk, 'upper/probe');
  mkdirSync(directory);
  const program = await compileProbe('escape-disk', `${server.slot.directory}/probes`);
  const tried = answers(await mustRun(program, [directory]));
  assert.deepEqual([tried.get('subvolume'), tried.get('limit')], [0, 0]);
  await mustRun('btrfs', ['subvolume', 'delete', join(directory, 'escape')]);
});
