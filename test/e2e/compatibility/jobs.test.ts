/* What a job is: its script, environment, user, directory, limits and exit status. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { happened, refused, testWith, useAnyServer } from '../../harness/any-server.js';
import { output, streamUntil } from '../../harness/expect.js';

const server = useAnyServer();

const statuses: [script: string, status: number][] = [
  ['', 0], ['true', 0], ['exit 7', 7], ['exit 255', 255], ['exit 256', 0], ['false', 1], ['if then', 2], ['no-such-command', 127],
  ['/etc/passwd', 126], ['kill -9 $$', 255], ['kill -TERM $$', 255], ['kill -SEGV $$', 255], ['bash -c "kill -9 \\$\\$"', 137], ['# only a comment', 0],
];
test('exit statuses, by run and by stream', async () => {
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
  assert.equal(output(await client.run(handle, long)), 'end\n');
});

test('directory, umask, $0 and terminal', async () => {
  const { client, handle } = await server.container();
  const script = '[ "$(pwd -P)" = "$(cd "$HOME" && pwd -P)" ] && echo home; umask; echo "$0"; tty; for fd in 0 1 2; do [ -t $fd ] && echo "tty $fd"; done; true';
  assert.equal(output(await client.run(handle, script)), 'home\n0022\n/bin/bash\nnot a tty\n');
});

test('the environment has LANG, HOME, USER and PATH, and nothing else', async () => {
  const { client, handle } = await server.container();
  // bash adds variables of its own: /proc/$$/environ is what it was given itself.
  const names = output(await client.run(handle, "tr '\\0' '\\n' < /proc/$$/environ | sed 's/=.*//' | sort"));
  assert.equal(names, 'HOME\nLANG\nPATH\nUSER\n');
});

testWith(['accounts'], 'a job is vcap, at home in /home/vcap; a privileged one is root', async () => {
  const { client, handle } = await server.container();
  const script = 'id -un; id -gn; echo "$HOME $USER $PATH"';
  assert.equal(output(await client.run(handle, script)), 'vcap\nvcap\n/home/vcap vcap /bin:/usr/bin\n');
  assert.equal(output(await client.run(handle, script, { privileged: true })), 'root\nroot\n/root root /sbin:/bin:/usr/sbin:/usr/bin\n');
  assert.equal(output(await client.run(handle, 'id -u; id -g', { privileged: true })), '0\n0\n');
  const [uid, line] = output(await client.run(handle, 'id -u; grep ^vcap: /etc/passwd')).split('\n');
  assert.match(line ?? '', new RegExp(`^vcap:[^:]*:${uid}:${uid}:`));
  assert.notEqual((await client.run(handle, 'echo x > /root/x')).status, 0);
});

testWith(['inside'], 'inside: PID 1 is wshd, the host name is the handle, hosts has it, and the interface is the container\'s', async () => {
  const handle = `i${process.pid % 1_000_000}`;
  const { client } = await server.container({ handle });
  const { container_ip: address } = await client.info(handle);
  assert.equal(output(await client.run(handle, 'hostname')), `${handle}\n`);
  assert.equal(output(await client.run(handle, "tr '\\0' ' ' < /proc/1/cmdline")).trim(), `wshd: ${handle}`);
  const hosts = output(await client.run(handle, 'cat /etc/hosts'));
  assert.match(hosts, /^127\.0\.0\.1\s+localhost$/m);
  assert.match(hosts, new RegExp(`^${address.replaceAll('.', '\\.')}\\s+${handle}$`, 'm'));
  assert.ok(output(await client.run(handle, 'ls /proc/sys/net/ipv4/conf')).split('\n').includes(`w-${handle}-1`));
});

test('files of one job are there for the next, and not for another container', async () => {
  const { client, handle } = await server.container();
  await client.run(handle, 'echo mine > file; mkdir -m 700 dir');
  assert.equal(output(await client.run(handle, 'cat file; stat -c %a dir')), 'mine\n700\n');
  const other = await server.container();
  assert.notEqual((await other.client.run(other.handle, 'cat file')).status, 0);
});

test('job ids are never given twice', async () => {
  const { client, handle } = await server.container();
  const ids = [await client.spawn(handle, 'true'), await client.spawn(handle, 'true')];
  await client.link(handle, ids[0] ?? 0);
  ids.push(await client.spawn(handle, 'true'));
  const other = await server.container();
  ids.push(await other.client.spawn(other.handle, 'true'));
  assert.deepEqual(ids, [...new Set(ids)].sort((a, b) => a - b));
});

testWith(['rlimits'], 'rlimits are those of one job alone', async () => {
  const { client, handle } = await server.container();
  const usual = output(await client.run(handle, 'ulimit -n; ulimit -f'));
  assert.equal(output(await client.run(handle, 'ulimit -n; ulimit -f', { rlimits: { nofile: 100n, fsize: 4096n } })), '100\n4\n');
  assert.equal(output(await client.run(handle, 'ulimit -n; ulimit -f')), usual);
  const { status } = await client.run(handle, 'trap "" XFSZ; head -c 10000 /dev/zero > big', { rlimits: { fsize: 4096n } });
  assert.notEqual(status, 0);
  assert.equal(output(await client.run(handle, 'stat -c %s big')), '4096\n');
});

test('with discard_output nothing is kept', async () => {
  const { client, handle } = await server.container();
  const result = await client.run(handle, 'head -c 1000000 /dev/zero; echo err >&2; exit 3', { discard_output: true });
  assert.deepEqual([result.status, result.stdout.length, result.stderr], [3, 0, '']);
});

const LIMIT = 10 * 1024 * 1024;
testWith(['defaults'], 'exactly the limit of output is fine; one byte more kills every process of the job, with an event, and the container goes on', async () => {
  const { client, handle } = await server.container();
  const exact = await client.run(handle, `head -c ${LIMIT / 2} /dev/zero; head -c ${LIMIT / 2} /dev/zero >&2`);
  assert.deepEqual([exact.status, exact.stdout.length + exact.stderr.length], [0, LIMIT]);
  assert.deepEqual(happened(await client.info(handle)), []);
  const beyond = await client.run(handle, `(sleep 3001; echo survived > survived) & head -c ${LIMIT} /dev/zero; printf x; sleep 3000`);
  assert.equal(beyond.status, 255);
  assert.ok(beyond.out.length <= LIMIT);
  const info = await client.info(handle);
  assert.deepEqual([info.state, happened(info), info.job_ids], ['active', ['command exceeded maximum output'], []]);
  assert.equal(output(await client.run(handle, 'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " " | grep -c "sleep 300[0]" || true')), '0\n');
});

test('jobs of one container see each other\'s files while they run', async () => {
  const { client, handle } = await server.container();
  const jobId = await client.spawn(handle, 'mkfifo gate; echo begun; read x < gate; echo "$x"');
  // A stream that is read to its end would take the job.
  const watching = await server.connect();
  await streamUntil(watching.stream(handle, jobId), 'begun');
  watching.close();
  output(await client.run(handle, 'echo told > gate'));
  assert.equal((await client.link(handle, jobId)).stdout, 'begun\ntold\n');
  await refused(client.link(handle, jobId), 'not_found', /^no such job$/);
});
