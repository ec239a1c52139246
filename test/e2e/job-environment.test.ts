/* What a job finds when it starts: user, environment, directory, descriptors, exit statuses. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';

const environment = { ...process.env, LANG: 'C.UTF-8', WARDEN_SECRET: 'of the server' };
const server = useServer({ environment });

test('an ordinary job is vcap with the uid and gid of the pool', async () => {
  const { client, handle } = await server.container();
  const [uid, gid, name, groups] = output(await client.run(handle, 'id -u; id -g; id -un; id -G')).split('\n');
  assert.ok(Number(uid) >= server.slot.startUid && Number(uid) < server.slot.startUid + 256, uid);
  assert.deepEqual([gid, name, groups], [uid, 'vcap', uid]);
  const passwd = output(await client.run(handle, 'grep "^vcap:" /etc/passwd; grep "^vcap:" /etc/group')).trim().split('\n');
  assert.equal(passwd.length, 2);
  assert.match(passwd[0] ?? '', new RegExp(`^vcap:[^:]*:${uid}:${uid}:[^:]*:/home/vcap:/bin/bash$`));
  assert.match(passwd[1] ?? '', new RegExp(`^vcap:[^:]*:${uid}:$`));
});

test('a privileged job is root', async () => {
  const { client, handle } = await server.container();
  assert.equal(output(await client.run(handle, 'id -u; id -g; id -G; id -un; pwd', { privileged: true })), '0\n0\n0\nroot\n/root\n');
});

test('with the host\'s /usr the locale is found in one file, which is added to what the host has', async () => {
  const { client, handle } = await server.container();
  const ofHost = readdirSync('/usr/lib/locale');
  assert.equal(output(await client.run(handle, 'ls /usr/lib/locale')), [...new Set([...ofHost, 'locale-archive'])].sort().map((name) => `${name}\n`).join(''));
  assert.equal(output(await client.run(handle, 'ls /usr/bin | wc -l')), `${readdirSync('/usr/bin').length}\n`);
  // Bash itself has its locale from there, where the host has no archive of its own.
  const parts = 'grep -o "/usr/lib/locale/.*" /proc/$$/maps | sort -u';
  if (!ofHost.includes('locale-archive')) assert.equal(output(await client.run(handle, parts)), '/usr/lib/locale/locale-archive\n');
  assert.equal(output(await client.run(handle, 'locale charmap; word=größe; echo ${#word}')), 'UTF-8\n5\n');
  const { exit_status, stderr } = await client.request('run', { handle, privileged: true, script: 'echo x >/usr/lib/locale/locale-archive' });
  assert.equal(exit_status, 1);
  assert.match(String(stderr), /Read-only file system/);
});

test('the environment is LANG, HOME, USER, PATH and nothing else', async () => {
  const { client, handle } = await server.container();
  // env is started by bash, which adds PWD, SHLVL and _ for itself: /proc/$$/environ is what bash itself was given.
  const given = "tr '\\0' '\\n' < /proc/$$/environ | sort";
  assert.equal(output(await client.run(handle, given)), 'HOME=/home/vcap\nLANG=C.UTF-8\nPATH=/bin:/usr/bin\nUSER=vcap\n');
  assert.equal(output(await client.run(handle, given, { privileged: true })),
    'HOME=/root\nLANG=C.UTF-8\nPATH=/sbin:/bin:/usr/sbin:/usr/bin\nUSER=root\n');
});

test('the directory belongs to the job, and its real name is its name', async () => {
  const { client, handle } = await server.container();
  assert.equal(output(await client.run(handle, 'pwd -P')), '/home/vcap\n');
  assert.equal(output(await client.run(handle, 'stat -c "%U %G %a" /home/vcap')), 'vcap vcap 755\n');
});

test('a job has a session of its own and only its three descriptors', async () => {
  const { client, handle } = await server.container();
  assert.equal(output(await client.run(handle, '[ "$(ps -o sid= -p $$ | tr -d " ")" = $$ ] && echo own')), 'own\n');
  // 3 is ls's own, with which it reads the directory.
  assert.equal(output(await client.run(handle, 'exec ls /proc/self/fd')), '0\n1\n2\n3\n');
});

test('job ids are never given twice, not even after a restart', async () => {
  const { client, handle } = await server.container();
  const ids = [await client.spawn(handle, 'true'), await client.spawn(handle, 'true')];
  await client.destroy(handle);
  await server.restart();
  const second = await server.container();
  ids.push(await second.client.spawn(second.handle, 'true'), await second.client.spawn(second.handle, 'true'));
  assert.deepEqual(ids, [...new Set(ids)].sort((a, b) => a - b));
});
