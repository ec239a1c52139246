/* Images are read-only to us and hostile: links and special files where directories are expected (security model, A6). */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { buildBase, configOf, ociLayout, packLayer } from '../harness/image-files.js';
import { buildRootfs } from '../harness/rootfs.js';
import { withDeadline } from '../harness/wait.js';

const server = useServer({}, makeCanary);
const canary = (): string => `${server.slot.directory}/canary`;

/** Everything about a tree: names, modes, owners, contents, link targets. */
function fingerprint(root: string): string {
  const hash = createHash('sha256');
  const walk = (path: string): void => {
    const state = lstatSync(path);
    hash.update(`${path}\0${state.mode}\0${state.uid}\0${state.gid}\0${state.mtimeMs}\0`);
    if (state.isSymbolicLink()) hash.update(readlinkSync(path));
    else if (state.isFile()) hash.update(readFileSync(path));
    else if (state.isDirectory()) for (const name of readdirSync(path).sort()) walk(join(path, name));
  };
  walk(root);
  return hash.digest('hex');
}

function makeCanary(): void {
  for (const name of ['dev', 'dev/pts', 'dev/shm', 'etc', 'proc', 'tmp', 'home', 'home/vcap', 'sbin', 'mnt', 'sys']) mkdirSync(join(canary(), name), { recursive: true });
  for (const name of ['etc/hosts', 'etc/hostname', 'etc/resolv.conf', 'etc/passwd', 'etc/group']) writeFileSync(join(canary(), name), `the host's ${name}\n`);
}

test('the image is the same after containers have written everywhere', async () => {
  const before = fingerprint(server.paths.rootfs);
  for (let round = 0; round < 3; round++) {
    const { client, handle } = await server.container();
    await client.run(handle, 'rm -rf /etc /home /root /probes; mkdir /etc; echo x > /etc/passwd; chmod 777 /tmp /var; chown 5:5 /var', { privileged: true });
    await client.destroy(handle);
  }
  assert.equal(fingerprint(server.paths.rootfs), before);
});

const PLACES = [
  'dev', 'dev/pts', 'dev/shm', 'etc', 'etc/hosts', 'etc/hostname', 'etc/resolv.conf', 'etc/passwd', 'etc/group', 'proc', 'sys', 'tmp', 'home', 'home/vcap', 'mnt', 'run',
] as const;
const KINDS: Readonly<Record<string, (path: string, place: string) => void>> = {
  'an absolute link to the host': (path, place) => symlinkSync(join(canary(), place), path),
  'a relative link out': (path, place) => symlinkSync(`${'../'.repeat(12)}${join(canary(), place).slice(1)}`, path),
  'a dangling link': (path) => symlinkSync('/nowhere/at/all', path),
  'a loop of links': (path) => symlinkSync(path.split('/').at(-1) ?? '', path),
  'a FIFO': (path) => { execFileSync('mkfifo', ['-m', '666', path]); },
  'a device': (path) => { execFileSync('mknod', ['-m', '666', path, 'c', '1', '5']); },
  'a file': (path) => writeFileSync(path, ''),
};

/** @returns whether a container was made of it: then the kernel's own /proc is in it, and its root writes where it likes; else there is a reason. */
async function usable(rootfs: string, what: string): Promise<boolean> {
  const client = await server.connect();
  const outcome = await withDeadline(client.create({ rootfs }).then((handle) => ({ handle }), (error: Error) => ({ error })), 10_000, `create with ${what}`);
  if (!('handle' in outcome)) {
    assert.ok(outcome.error.message.length > 10, outcome.error.message);
    return false;
  }
  const { stdout } = await client.run(outcome.handle, 'stat -f -c %T /proc; echo changed > /tmp/x; echo x >> /etc/hosts; echo ran', { privileged: true });
  assert.match(stdout, /^proc\n/, what);
  await client.destroy(outcome.handle);
  return true;
}

for (const [kind, make] of Object.entries(KINDS)) {
  test(`${kind} in place of each directory and file: inside or refused, never outside`, async () => {
    const before = fingerprint(canary());
    let created = 0;
    for (const place of PLACES) {
      const rootfs = `${server.slot.directory}/image`;
      await buildRootfs(rootfs, {
        change: (directory) => {
          const path = join(directory, place);
          mkdirSync(dirname(path), { recursive: true });
          rmSync(path, { recursive: true, force: true });
          make(path, place);
        },
      });
      if (await usable(rootfs, `${kind} at ${place}`)) created++;
      rmSync(rootfs, { recursive: true, force: true });
      assert.equal(fingerprint(canary()), before, place);
    }
    assert.ok(created > 0, 'not every place makes a create fail');
  });
}

for (const [kind, make] of Object.entries(KINDS)) {
  test(`${kind} in the upper layer of an image that was imported: the same`, async () => {
    const [before, client] = [fingerprint(canary()), await server.connect()];
    const made = `${server.slot.directory}/made`;
    await buildBase(`${made}/base`);
    const base = await packLayer(`${made}/base`, `${made}/base.tar`);
    let created = 0;
    for (const place of PLACES) {
      const path = join(made, 'upper', place);
      mkdirSync(dirname(path), { recursive: true });
      make(path, place);
      const upper = await packLayer(`${made}/upper`, `${made}/upper.tar`);
      ociLayout(`${made}/oci`, [{ name: 'odd:v1', config: configOf([base, upper]), layers: [base, upper] }]);
      const imported = await client.request('image_import', { path: `${made}/oci` }).then(() => true, (error: Error) => assert.ok(error.message.length > 10));
      if (imported === true) {
        if (await usable('image:odd:v1', `${kind} at ${place}`)) created++;
        await client.request('image_remove', { name: 'odd:v1' });
      }
      for (const name of ['upper', 'upper.tar', 'oci']) rmSync(`${made}/${name}`, { recursive: true });
      assert.equal(fingerprint(canary()), before, place);
    }
    rmSync(made, { recursive: true });
    assert.ok(created > 0, 'not every place makes a create fail');
  });
}

test('an image without anything in it gives a container, whose jobs say what is missing', async () => {
  const rootfs = `${server.slot.directory}/empty`;
  mkdirSync(rootfs);
  const client = await server.connect();
  const outcome = await client.create({ rootfs }).then((handle) => ({ handle }), (error: Error) => ({ error }));
  if ('handle' in outcome) {
    const result = await client.run(outcome.handle, 'echo hi').then(({ status, stderr }) => `${status} ${stderr}`, (error: Error) => error.message);
    assert.doesNotMatch(result, /^0/);
    assert.match(result, /bash|127|255/);
    await client.destroy(outcome.handle);
  } else {
    assert.ok(outcome.error.message.length > 10);
  }
  rmSync(rootfs, { recursive: true });
});

test('files of /etc that an image has keep their other lines', async () => {
  const { client, handle } = await server.container();
  const passwd = output(await client.run(handle, 'cat /etc/passwd')).trim().split('\n');
  assert.deepEqual(passwd.filter((line) => !line.startsWith('vcap:')), readFileSync(`${server.paths.rootfs}/etc/passwd`, 'utf8').trim().split('\n'));
});
