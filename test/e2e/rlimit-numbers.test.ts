/* Numbers of resource limits that are not what people ask for: each has a meaning, none is silently no limit, and nothing breaks. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { RequestError } from '../harness/client.js';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';

const server = useServer();
/** In the order of setrlimit(2)'s numbers, which is that of /proc/PID/limits. */
const names = ['cpu', 'fsize', 'data', 'stack', 'core', 'rss', 'nproc', 'nofile', 'memlock', 'as', 'locks', 'sigpending', 'msgqueue', 'nice', 'rtprio'] as const;
const showLimits = 'while read -r line; do echo "$line"; done < /proc/self/limits';

/** Soft and hard limit of every resource, by name. */
function limitsIn(text: string): Map<string, { soft: string; hard: string }> {
  const rows = text.trimEnd().split('\n').slice(1);
  return new Map(names.map((name, number) => {
    const [, soft = '', hard = ''] = /^.{25}\s(\S+)\s+(\S+)/.exec(rows[number] ?? '') ?? [];
    return [name, { soft, hard }];
  }));
}

for (const [value, text] of [[2n ** 63n, '2^63'], [2n ** 64n - 1n, '2^64-1']] as const) {
  test(`${text} is no limit, or the most that the server may give, with an event: all fifteen`, async () => {
    const { client, handle } = await server.container();
    const most = limitsIn(readFileSync(`/proc/${server.daemon.pid}/limits`, 'utf8'));
    // Core dumps depend on where the machine puts them: test/attack/core-dumps.test.ts.
    const asked = names.filter((name) => name !== 'core');
    const { status, stdout, stderr } = await client.run(handle, showLimits, { rlimits: Object.fromEntries(asked.map((name) => [name, value])) });
    assert.deepEqual([status, stderr], [0, '']);
    const events = new Set((await client.info(handle)).events);
    for (const [name, { soft, hard }] of limitsIn(stdout)) {
      if (name === 'core') continue;
      const expected = most.get(name)?.hard;
      assert.deepEqual({ name, soft, hard }, { name, soft: expected, hard: expected });
      assert.equal(events.delete(`rlimit ${name} clamped to ${expected}`), expected !== 'unlimited', name);
    }
    assert.deepEqual([...events], []);
  });
}

test('processor time of 2^63 seconds, or more than the kernel can count, kills nobody', async () => {
  const { client, handle } = await server.container();
  // Longer than a tick of the clock, at which the kernel compares.
  const burn = 'for ((i = 0; i < 40000; i++)); do :; done; echo done';
  for (const cpu of [2n ** 63n, 2n ** 62n, 18_446_744_074n]) assert.equal(output(await client.run(handle, burn, { rlimits: { cpu } })), 'done\n', String(cpu));
});

test('a limit of 0 holds: each of the fifteen ends in an error or a job\'s own end, and the container goes on', async () => {
  const { client, handle } = await server.container();
  for (const name of names) {
    const outcome = await client.run(handle, showLimits, { rlimits: { [name]: 0n } }).catch((error: unknown) => error);
    if (outcome instanceof RequestError) assert.match(outcome.message, /^execute program/, name);
    else {
      const { stdout, stderr, status } = outcome as Awaited<ReturnType<typeof client.run>>;
      const inForce = limitsIn(stdout).get(name)?.hard;
      // A program that could not even begin has no limits to show; core dumps are off by 1.
      assert.ok(inForce === (name === 'core' ? '1' : '0') || (stdout === '' && (status === 255 || stderr !== '')), `${name}: ${status} ${stdout} ${stderr}`);
    }
    assert.equal(output(await client.run(handle, 'echo next')), 'next\n', name);
  }
  assert.deepEqual((await client.info(handle)).events, []);
});

test('four descriptors are enough to begin in the job\'s directory, and with three it is still there', async () => {
  const { client, handle } = await server.container();
  for (const nofile of [3n, 4n]) {
    const { stdout } = await client.run(handle, '', { args: ['/bin/pwd'], rlimits: { nofile: 10n } });
    assert.equal(stdout, '/home/vcap\n');
    const few = await client.run(handle, 'echo $PWD', { rlimits: { nofile } });
    // The dynamic linker needs one more than the three; bash begins only with it.
    if (few.status === 0) assert.equal(few.stdout, '/home/vcap\n');
    else assert.match(few.stderr, /open/);
  }
});

test('no job can raise its own limits, nor those of the next one or of another process', async () => {
  const { client, handle } = await server.container();
  const waiting = await client.spawn(handle, 'echo $$ > pid; exec sleep 1000');
  const result = await client.run(handle, 'ulimit -n 900 2>/dev/null && echo raised; ulimit -u 2000 2>/dev/null && echo raised; ulimit -Hn', { rlimits: { nofile: 100n } });
  assert.equal(output(result), '100\n');
  const other = await client.run(handle, 'prlimit --nofile=2000000000 $$ 2>&1 || prlimit --pid 1 --nofile=5:5 2>&1 || echo refused', { privileged: true });
  assert.match(other.stdout, /refused\n$/);
  assert.notEqual(output(await client.run(handle, 'ulimit -Hn')), '100\n');
  await client.stop(handle, { kill: true });
  await client.link(handle, waiting);
});

test('jobs at once have each their own limits', async () => {
  const { handle } = await server.container();
  const numbers = Array.from({ length: 10 }, (_, index) => 100n + BigInt(index));
  const results = await Promise.all(numbers.map(async (nofile) => {
    const client = await server.connect();
    return output(await client.run(handle, 'ulimit -n', { rlimits: { nofile } }));
  }));
  assert.deepEqual(results, numbers.map((nofile) => `${nofile}\n`));
});
