/* What a job finds when it starts: user, environment, directory, descriptors, exit statuses. */
import assert from 'node:assert/strict';
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

test('the environment is LANG, HOME, USER, PATH and nothing else', async () => {
  const { client, handle } = await server.container();
  // env is started by bash, which adds PWD, SHLVL and _ for itself: /proc/$$/environ is what bash itself was given.
  const given = "tr '\\0' '\\n' < /proc/$$/environ | sort";
  assert.equal(output(await client.run(handle, given)), 'HOME=/home/vcap\nLANG=C.UTF-8\nPATH=/bin:/usr/bin\nUSER=vcap\n');
  assert.equal(output(await client.run(handle, given, { privileged: true })),
    'HOME=/root\nLANG=C.UTF-8\nPATH=/sbin:/bin:/usr/sbin:/usr/bin\nUSER=root\n');
});

test('directory, umask, $0 and terminal', async () => {
  const { client, handle } = await server.container();
  const script = 'pwd -P; umask; echo "$0"; tty; for fd in 0 1 2; do [ -t $fd ] && echo "tty $fd"; done; true';
  assert.equal(output(await client.run(handle, script)), '/home/vcap\n0022\n/bin/bash\nnot a tty\n');
  assert.equal(output(await client.run(handle, 'stat -c "%U %G %a" /home/vcap')), 'vcap vcap 755\n');
});

test('a job has a session of its own and only its three descriptors', async () => {
  const { client, handle } = await server.container();
  assert.equal(output(await client.run(handle, '[ "$(ps -o sid= -p $$ | tr -d " ")" = $$ ] && echo own')), 'own\n');
  // 3 is ls's own, with which it reads the directory.
  assert.equal(output(await client.run(handle, 'exec ls /proc/self/fd')), '0\n1\n2\n3\n');
});

const statuses: [script: string, status: number][] = [
  ['', 0], ['true', 0], ['exit 7', 7], ['exit 255', 255], ['exit 256', 0], ['false', 1], ['if then', 2], ['no-such-command', 127],
  ['/etc/passwd', 126], ['kill -9 $$', 255], ['kill -TERM $$', 255], ['kill -SEGV $$', 255], ['bash -c "kill -9 \\$\\$"', 137], ['# only a comment', 0],
];
test('exit statuses', async () => {
  const { client, handle } = await server.container();
  for (const [script, status] of statuses) {
    assert.equal((await client.run(handle, script)).status, status, `of ${JSON.stringify(script)}`);
    const jobId = await client.spawn(handle, script);
    assert.equal((await client.streamAll(handle, jobId)).status, status, `of ${JSON.stringify(script)} in a stream`);
  }
});

test('the script is standard input: read consumes its next line', async () => {
  const { client, handle } = await server.container();
  assert.equal(output(await client.run(handle, 'read line\nthe next line\necho "$line"')), 'the next line\n');
  assert.equal(output(await client.run(handle, 'head -n 1\nthis\necho after')), 'this\nafter\n');
  assert.equal(output(await client.run(handle, 'cat\nall\nthe rest')), 'all\nthe rest');
});

test('a script without a final newline, with a CR, of a megabyte', async () => {
  const { client, handle } = await server.container();
  assert.equal(output(await client.run(handle, 'echo a\necho b')), 'a\nb\n');
  assert.equal(output(await client.run(handle, "cat <<'X' | od -An -tx1\na\rb\nX\n")), ' 61 0d 62 0a\n');
  const long = `${'# a line that does nothing\n'.repeat(40_000)}echo end`;
  assert.ok(long.length > 1_000_000);
  assert.equal(output(await client.run(handle, long)), 'end\n');
});

test('files of one job are there for the next, with their owners', async () => {
  const { client, handle } = await server.container();
  await client.run(handle, 'echo mine > file; mkdir -m 700 dir');
  assert.equal(output(await client.run(handle, 'cat file; stat -c %a dir')), 'mine\n700\n');
  assert.equal(output(await client.run(handle, 'stat -c %U /home/vcap/file; echo root > /root/file; cat /root/file', { privileged: true })), 'vcap\nroot\n');
  assert.notEqual((await client.run(handle, 'cat /root/file')).status, 0);
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
