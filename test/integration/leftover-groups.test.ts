/* Groups whose monitor is gone: their processes are ended and they are removed, with version 1 and with version 2. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { repository } from '../harness/paths.js';

// The server's adapters are no part of what the package exports.
const built: unknown = await import(pathToFileURL(join(repository, 'packages/server/dist/host/linux/cgroups.js')).href);
const { LinuxCgroups } = built as typeof import('../../packages/server/src/host/linux/cgroups.js');

const id = '1hq3k5m7o9q';

for (const version of ['auto', 'v1', 'v2'] as const) {
  test(`processes that are left in groups are killed and the groups removed: ${version}`, async () => {
    const root = version === 'v2' && existsSync('/sys/fs/cgroup/unified') ? '/sys/fs/cgroup/unified' : '/sys/fs/cgroup';
    const cgroups = new LinuxCgroups({ root, version, parent: `warden-leftover-${process.pid}`, pidsMax: 64, totalPidsMax: 1000 });
    cgroups.prepare();
    const children = [0, 1, 2].map(() => spawn('sleep', ['1000'], { stdio: 'ignore' }));
    const ends = children.map((child) => once(child, 'exit'));
    try {
      const groups = cgroups.describe(id);
      for (const { path } of groups) {
        mkdirSync(join(path, 'job-1'), { recursive: true });
        children.forEach(({ pid }, index) => writeFileSync(join(path, index === 0 ? '' : 'job-1', 'cgroup.procs'), String(pid)));
      }
      await cgroups.removeLeftovers(id);
      assert.deepEqual(groups.filter(({ path }) => existsSync(path)), []);
      for (const [, signal] of await Promise.all(ends)) assert.equal(signal, 'SIGKILL');
      await cgroups.removeLeftovers(id);
    } finally {
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(ends);
      await cgroups.removeLeftovers(id);
      cgroups.removeParents();
    }
  });
}
