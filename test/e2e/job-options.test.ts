/* What a job may be given besides a script: variables, a directory, an argument vector, a user. Old requests see none of it. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { WardenClient } from 'warden-client';
import { output, refused } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { buildRootfs } from '../harness/rootfs.js';
import { encode, frame, operations } from '../harness/wire.js';

const server = useServer({ environment: { ...process.env, LANG: 'C.UTF-8' } });
/** What a job was started with; env and others would add variables of their own. */
const GIVEN = ['cat', '/proc/self/environ'];
const lines = (text: string): string[] => text.split('\0').filter((line) => line !== '').sort();

/** Characters that a shell, a path or a format would make something of. */
const HOSTILE = ['$(touch /tmp/canary)', '`touch /tmp/canary`', '; touch /tmp/canary', '| touch /tmp/canary', '&& touch /tmp/canary', '\n touch /tmp/canary\n', '> /tmp/canary', '../../tmp/canary',
  '%s%n%x', '\'"\\', '* ? [a-z] ~ {a,b} !!', '--help', '-c', '\u202e\u0007\u001b[2J', 'ünï ✓ \u{1f980}', ' ', '\t', 'a'.repeat(100_000)];

/** An image whose /bin has two programs. */
function withoutBash(directory: string): void {
  rmSync(join(directory, 'bin'), { recursive: true });
  mkdirSync(join(directory, 'bin'));
  for (const name of ['cat', 'false']) symlinkSync(`/usr/bin/${name}`, join(directory, 'bin', name));
}

test('an argument vector is the program itself: nothing reads what a shell would', async () => {
  const { client, handle } = await server.container();
  const result = await client.run(handle, '', { args: ['printf', '%s\\0', ...HOSTILE] });
  assert.deepEqual(output(result).split('\0'), [...HOSTILE, '']);
  assert.equal((await client.run(handle, 'ls /tmp/canary')).status, 2, 'nothing touched it');
  assert.equal(output(await client.run(handle, '', { args: ['/bin/echo', '', '$HOME'] })), ' $HOME\n');
});

test('a program without a slash is looked up in the PATH of the job', async () => {
  const { client, handle } = await server.container();
  await client.run(handle, 'mkdir bin; printf "#!/bin/sh\\necho mine \\$1\\n" > bin/tool; chmod +x bin/tool; echo text > bin/text');
  await refused(client.run(handle, '', { args: ['tool'] }), 'not_found', /^execute program \(tool\): there is no such program in the container/);
  assert.equal(output(await client.run(handle, '', { args: ['tool', 'x'], env: ['PATH=/home/vcap/bin:/bin'] })), 'mine x\n');
  await refused(client.run(handle, '', { args: ['text'], env: ['PATH=/home/vcap/bin'] }), 'permission', /^execute program \(text\): the job's user may not execute it$/);
  await refused(client.spawn(handle, '', { args: ['/nope'] }), 'not_found', /^execute program \(\/nope\)/);
  assert.deepEqual(await client.jobs(handle), [], 'what did not start is no job');
});

test('an argument vector needs no bash, and its standard input is empty', async () => {
  const rootfs = join(server.slot.directory, 'without-bash');
  await buildRootfs(rootfs, { change: withoutBash });
  const { client, handle } = await server.container({ rootfs });
  await refused(client.run(handle, 'true'), 'not_found', /^execute program \(\/bin\/bash\)/);
  assert.equal(output(await client.run(handle, '', { args: ['/bin/cat'] })), '');
  assert.equal((await client.run(handle, '', { args: ['false'] })).status, 1);
});

test('variables are added to the environment and win over it', async () => {
  const { client, handle } = await server.container();
  const own = ['HOME=/home/vcap', 'LANG=C.UTF-8', 'PATH=/bin:/usr/bin', 'USER=vcap'];
  assert.deepEqual(lines(output(await client.run(handle, '', { args: GIVEN }))), own);
  assert.deepEqual(lines(output(await client.run(handle, '', { args: GIVEN, env: ['A=1', 'USER=me', 'A=2', 'EMPTY=', 'E=a=b'] }))), ['A=2', 'E=a=b', 'EMPTY=', ...own.slice(0, 3), 'USER=me']);
  assert.equal(output(await client.run(handle, 'echo "$A"', { env: ['A=$(id) `id`'] })), '$(id) `id`\n');
  const values = HOSTILE.map((value, index) => `V${index}=${value}`);
  assert.deepEqual(lines(output(await client.run(handle, '', { args: GIVEN, env: values }))), [...own, ...values].sort());
  assert.deepEqual(lines(output(await client.run(handle, '', { args: GIVEN }))), own, 'the next job has none of it');
});

test('a directory is one of the container\'s, whatever its name leads to', async () => {
  const { client, handle } = await server.container();
  const pwd = async (cwd: string): Promise<string> => output(await client.run(handle, '', { args: ['pwd', '-P'], cwd }));
  assert.equal(await pwd('/tmp'), '/tmp\n');
  assert.equal(await pwd('/../../../usr/./lib/..'), '/usr\n');
  const strange = '/tmp/$(id) \'"\\ ünï\n';
  await client.run(handle, 'mkdir "$D"; ln -s /../../.. /tmp/up; mkdir -m 700 /tmp/closed; echo > /tmp/file; ln -s /nowhere /tmp/dangling', { env: [`D=${strange}`] });
  assert.equal(await pwd(strange), `${strange}\n`);
  assert.equal(await pwd('/tmp/up'), '/\n');
  await client.run(handle, 'chown root /tmp/closed', { privileged: true });
  await refused(pwd('/tmp/nope'), 'not_found', /^enter directory \(\/tmp\/nope\): there is no such directory in the container$/);
  await refused(pwd('/tmp/file'), 'not_found', /^enter directory \(\/tmp\/file\): it is no directory$/);
  await refused(pwd('/tmp/dangling'), 'not_found', /^enter directory/);
  await refused(pwd('/tmp/closed'), 'permission', /^enter directory \(\/tmp\/closed\): the job's user may not enter it$/);
  await refused(pwd(`${server.paths.depot}/containers`), 'not_found', /^enter directory/);
  assert.equal(output(await client.run(handle, 'pwd')), '/home/vcap\n');
});

test('a user of the image, by name or number', async () => {
  const { client, handle } = await server.container();
  const who = async (user: string, options: object = {}): Promise<string> => output(await client.run(handle, 'id -u; id -g; id -G; echo "$HOME $USER"; pwd', { user, ...options }));
  const vcap = Number(output(await client.run(handle, 'id -u')));
  await client.run(handle, 'echo "tool:x:1234:1235::/srv/tool:/bin/sh" >> /etc/passwd; mkdir -p /srv/tool', { privileged: true });
  assert.equal(await who('tool'), '1234\n1235\n1235\n/srv/tool tool\n/srv/tool\n');
  assert.equal(await who('1234'), '1234\n1235\n1235\n/srv/tool tool\n/srv/tool\n');
  assert.equal(await who('4321:99', { cwd: '/tmp' }), '4321\n99\n99\n/ 4321\n/tmp\n');
  assert.equal(await who('vcap'), `${vcap}\n${vcap}\n${vcap}\n/home/vcap vcap\n/home/vcap\n`);
  assert.equal(await who('tool', { env: ['HOME=/x', 'USER=y'], cwd: '/' }), '1234\n1235\n1235\n/x y\n/\n');
  assert.match(await who('root', { privileged: true }), /^0\n0\n0\n\/root root\n\/root\n$/);
  assert.equal(output(await client.run(handle, 'grep -c "^CapEff:.0*$" /proc/self/status', { user: 'tool' })), '1\n');
  for (const user of ['root', '0', '0:5']) await refused(who(user), 'permission', /^find user \([^)]*\): only a privileged job can be root$/);
  await client.run(handle, 'echo "toor:x:0:0::/root:/bin/sh" >> /etc/passwd', { privileged: true });
  await refused(who('toor'), 'permission', /only a privileged job can be root/);
  await refused(who('nobody-here'), 'not_found', /^find user \(nobody-here\): the container's \/etc\/passwd has no such user$/);
  for (const user of ['70000', '1:70000', '4294967294']) await refused(who(user), 'invalid_argument', /the container has no such uid or gid$/);
});

test('names, texts and numbers at their edges are refused or harmless', async () => {
  const { client, handle } = await server.container();
  for (const text of HOSTILE) {
    await refused(client.run(handle, 'true', { user: text }), 'invalid_argument', /^user is a name of the container's \/etc\/passwd/).catch(async (error: Error) => {
      // What could be a name is one that nobody has.
      if (!/no such user/.test(error.message)) throw error;
    });
    await refused(client.run(handle, 'true', { cwd: text }), 'invalid_argument', /^cwd is an absolute path/);
    await refused(client.run(handle, 'true', { env: [`${text}=x`] }), 'invalid_argument', /^the name of env\[0\]/).catch((error: Error) => { if (text.length < 1000) throw error; });
    await refused(client.run(handle, 'true', { tty: { rows: 1, columns: 1, term: text } }), 'invalid_argument', /^tty\.term is the name of a terminal/);
  }
  for (const timeout_ms of [1n << 63n, (1n << 64n) - 1n, 1n << 40n]) assert.equal((await client.run(handle, 'true', { timeout_ms })).status, 0);
  await refused(client.run(handle, 'true', { timeout_ms: 0 }), 'invalid_argument', /^timeout_ms is at least 1/);
  await refused(client.run(handle, '', { args: ['x'.repeat(70_000), 'y'.repeat(70_000)] }), 'invalid_argument', /take 140002 bytes, the limit is 131072/);
  await client.ping();
});

/** The numbers of a message's own fields. */
function fieldNumbers(message: Buffer): number[] {
  const numbers: number[] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++] ?? assert.fail('cut off');
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    numbers.push(tag >> 3);
    const value = varint();
    if ((tag & 7) === 2) at += value;
    else assert.equal(tag & 7, 0);
  }
  return numbers;
}

test('who asks for nothing new is told nothing new, but for how a job was killed', async () => {
  const { client, handle } = await server.container();
  const replyTo = async (script: string): Promise<number[]> => {
    client.write(frame(operations.run.type, encode(operations.run.request, { handle, script })));
    return fieldNumbers((await client.reply()).payload);
  };
  assert.deepEqual(await replyTo('echo x; exit 3'), [1, 2, 3, 4]);
  assert.deepEqual(await replyTo('exit 255'), [1, 2, 3, 4]);
  assert.deepEqual((await replyTo('kill -9 $$')).filter((number) => number >= 1000), [1001]);
});

test('the same by the client package', async () => {
  const { handle } = await server.container();
  await using client = await WardenClient.connect({ path: server.paths.socket });
  const { exitStatus, stdout } = await client.run({ handle, args: ['sh', '-c', 'echo "$A $PWD $1"; exit 3', 'sh', '$(id)'], env: { A: 'x' }, cwd: '/tmp', timeoutMs: 60_000 });
  assert.deepEqual([exitStatus, Buffer.from(stdout).toString()], [3, 'x /tmp $(id)\n']);
});
