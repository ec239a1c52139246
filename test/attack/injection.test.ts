/* E6, E7: every text and every number that means something to somebody else, in every field of every request. A field that is added to the harness's table of messages is in here by that. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { RequestError } from '../harness/client.js';
import type { Client } from '../harness/client.js';
import { useServer } from '../harness/fixture.js';
import { Canary, fieldsOfKind, numbers, signedNumbers, withValue } from '../harness/injections.js';
import type { FieldOfRequest } from '../harness/injections.js';
import { runProgram } from '../harness/run-program.js';
import { randomNumbers, runSeed } from '../harness/random.js';
import { shortOrLong } from '../harness/soak.js';
import { withDeadline } from '../harness/wait.js';
import type { Fields, OperationName, Value } from '../harness/wire.js';

let canary: Canary;
const server = useServer({}, async (fixture) => {
  canary = new Canary(join(fixture.slot.directory, 'canary'));
  // The first rule with a name starts the resolver, which stays.
  const { client, handle } = await fixture.container();
  await client.request('net_out', { handle, domain: 'example.com' });
  await client.destroy(handle);
  await fixture.noteBaseline();
});

/** A container and jobs of it, made anew when a request has ended them. */
class Target {
  #container: { client: Client; handle: string; jobId: number } | undefined;
  #mayHaveEnded = false;

  async #live(): Promise<{ client: Client; handle: string; jobId: number }> {
    const known = this.#container;
    if (known !== undefined && !this.#mayHaveEnded) return known;
    if (known !== undefined) {
      const jobs = await known.client.jobs(known.handle).catch(() => []);
      if (jobs.some(({ id, state }) => id === known.jobId && state === 'running') && (await known.client.info(known.handle)).state === 'active') return known;
      await known.client.destroy(known.handle).catch(() => undefined);
      this.forget();
    }
    const { client, handle } = await server.container();
    this.#container = { client, handle, jobId: await client.spawn(handle, '', { stdin: true }) };
    return this.#container;
  }

  /** What is left is destroyed as everything is after a test. */
  forget(): void {
    this.#container?.client.close();
    this.#container = undefined;
  }

  /** A request that is right, and has its reply soon. */
  async request(operation: OperationName): Promise<{ client: Client; fields: Fields }> {
    const { client, handle, jobId } = await this.#live();
    this.#mayHaveEnded = /^(?:stop|destroy|signal|input|limit_memory|limit_pids)$/.test(operation);
    const job = { handle, script: 'true' };
    const fields: Partial<Record<OperationName, Fields>> = {
      create: {}, ping: {}, list: {}, echo: { message: '' },
      run: job, spawn: job,
      // Of a job that is unknown: one that runs would keep the reply.
      link: { handle, job_id: 4_000_000_000 }, stream: { handle, job_id: 4_000_000_000 },
      input: { handle, job_id: jobId, data: Buffer.from('x') }, resize: { handle, job_id: jobId, rows: 24, columns: 80 }, signal: { handle, job_id: jobId, signal: 28 }, logs: { handle, job_id: jobId },
      copy_in: { handle, src_path: '/etc/hostname', dst_path: '/tmp/copied' }, copy_out: { handle, src_path: '/etc/hostname', dst_path: join(server.slot.directory, 'copied') },
      image_list: {}, image_import: { path: '/nowhere' }, image_pull: { reference: 'nowhere' }, image_inspect: { name: 'nothing' }, image_remove: { name: 'nothing' },
      rootfs_list: {}, rootfs_set: { name: 'nothing', path: '/nowhere' }, events: { handle: 'nobody' },
      net_out: { handle, network: '192.0.2.1' }, limit_bandwidth: { handle, rate: 1_000_000n, burst: 1_000_000n },
    };
    return { client, fields: fields[operation] ?? { handle } };
  }
}

/** What a field needs beside it. */
const companions: Readonly<Record<string, Fields>> = {
  'create.bind_mounts': { bind_mounts: [{ src_path: '/usr', dst_path: '/mnt/usr', mode: 0 }] },
  'create.labels': { labels: [{ key: 'key', value: 'value' }] },
  'list.labels': { labels: [{ key: 'key' }] },
  'run.tty': { tty: { rows: 24, columns: 80 } },
  'spawn.tty': { tty: { rows: 24, columns: 80 } },
  // A rule has a name or a network; the other numbers are of ICMP.
  'net_out.domain': { network: undefined },
  'net_out.icmp_type': { protocol: 2 },
  'net_out.icmp_code': { protocol: 2 },
};

const target = new Target();
afterEach(() => target.forget());

/** The reply's fields, or the error; whatever it is, it comes. A create's container is destroyed. */
async function send({ operation, path, name }: FieldOfRequest, value: Value): Promise<Fields | RequestError> {
  const { client, fields } = await target.request(operation);
  const request = withValue(operation, { ...fields, ...companions[`${operation}.${path[0]}`] }, path, value);
  try {
    const reply = await withDeadline(client.request(operation, request), 20_000, `reply to ${name} with ${String(value).slice(0, 60)}`);
    if (operation === 'create') await client.destroy(String(reply['handle'])).catch((error: unknown) => { if (!(error instanceof RequestError)) throw error; });
    return reply;
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return error;
  }
}

/** Fields with a grammar: what of the texts they may take. */
const GRAMMARS: readonly (readonly [RegExp, RegExp])[] = [
  [/^net_out\.(?:network|port_range)$|^create\.(?:network|rootfs)$|^limit_cpu\.cpus$|^image_|^rootfs_set\./, /^(?!)/],
  [/^copy_out\.owner$/, /^\d{1,10}(?::\d{1,10})?$/],
  [/\.log_tag$|^net_out\.domain$/, /^[\w.-]{1,64}$/],
];
const mayBeTaken = ({ name }: FieldOfRequest, text: string): boolean => GRAMMARS.every(([fields, allowed]) => !fields.test(name) || allowed.test(text));

/** Without what containers have for themselves, and what other test files have, which may run at the same time. */
async function table(): Promise<string> {
  const { stdout } = await runProgram('nft', ['list', 'ruleset']);
  const others = new RegExp(`^table \\w+ (?!${server.slot.table} )warden_test_\\d+ \\{$[^]*?^\\}\\n`, 'gm');
  // A rule may have braces of its own: the chain's is alone on its line.
  return stdout.replace(others, '').replace(/^\tchain out-\S+ \{\n[^]*?^\t\}\n/gm, '').split('\n').filter((line) => line !== '' && !/elements|w-|10\.2\d\d\./.test(line)).join('\n');
}

const textFields = fieldsOfKind((kind) => kind === 'string');
const numberFields = fieldsOfKind((kind) => kind === 'uint32' || kind === 'int32' || kind === 'uint64');
const operationsOf = (fields: readonly FieldOfRequest[]): OperationName[] => [...new Set(fields.map(({ operation }) => operation))];

/** To a path of the host a client may have something copied: that is what copy_out is for. And a registry that is named by its address is asked, which nobody wants to be. */
const isMeant = ({ name }: FieldOfRequest, text: string): boolean => (name === 'copy_out.dst_path' && /^(?:\.\.\/)*\//.test(text)) || (name === 'image_pull.reference' && isOfAddress(text));
const isOfAddress = (text: string): boolean => /^[\d.]+\//.test(text);

test('the table of messages has the fields that were attacked in the original', () => {
  const names = new Set([...textFields, ...numberFields].map(({ name }) => name));
  for (const name of ['create.bind_mounts.dst_path', 'create.bind_mounts.src_path', 'create.rootfs', 'create.network', 'create.grace_time', 'run.log_tag', 'copy_in.src_path', 'copy_out.owner', 'net_out.network', 'net_out.port',
    'net_in.host_port', 'limit_bandwidth.rate', 'run.rlimits.nofile', 'spawn.args', 'resize.rows']) assert.ok(names.has(name), name);
});

for (const operation of operationsOf(textFields)) {
  test(`texts in ${operation} are texts`, async () => {
    const before = canary.look();
    const answers: string[] = [];
    for (const field of textFields.filter((candidate) => candidate.operation === operation)) {
      for (const text of canary.texts().filter((candidate) => !isMeant(field, candidate))) {
        const answer = await send(field, text);
        if (!mayBeTaken(field, text) && !(answer instanceof RequestError)) answers.push(`${field.name} took ${JSON.stringify(text.slice(0, 60))}`);
        if (answer instanceof RequestError && answer.code === 'internal') answers.push(`${field.name} with ${JSON.stringify(text.slice(0, 60))}: ${answer.code} ${answer.message.slice(0, 200)}`);
        assert.deepEqual(canary.look(), before, `${field.name} with ${JSON.stringify(text.slice(0, 60))}`);
      }
    }
    assert.deepEqual(answers, []);
  });
}

for (const operation of operationsOf(numberFields)) {
  test(`numbers in ${operation} are refused or harmless`, async () => {
    const control = await server.connect();
    const { pid } = server.daemon;
    const problems: string[] = [];
    for (const field of numberFields.filter((candidate) => candidate.operation === operation)) {
      for (const value of field.kind === 'int32' ? signedNumbers : numbers) {
        const answer = await send(field, value);
        if (answer instanceof RequestError && answer.code === 'internal') problems.push(`${field.name} with ${value}: ${answer.message.slice(0, 200)}`);
        await control.ping();
      }
    }
    assert.deepEqual(problems, []);
    assert.equal(server.daemon.pid, pid);
  });
}

test('texts of no plan, in any field, leave the canary and the firewall alone', async () => {
  const seed = runSeed();
  const choose = randomNumbers(seed);
  const [before, rules] = [canary.look(), await table()];
  const fields = textFields.filter(({ name }) => name !== 'copy_out.dst_path');
  for (let round = 0; round < shortOrLong(600, 100_000); round++) {
    const field = fields[choose(fields.length)];
    assert.ok(field !== undefined);
    const text = canary.random(choose);
    await send(field, text);
    assert.deepEqual(canary.look(), before, `WARDEN_SEED=${seed}: ${field.name} with ${JSON.stringify(text)}`);
  }
  assert.equal(await table(), rules, `WARDEN_SEED=${seed}`);
});

test('texts behind the schemes of images are no more than texts', async () => {
  const before = canary.look();
  const client = await server.connect();
  // Nobody listens on port 1, and it takes a process to see that: names that are none but in order are left out.
  for (const text of canary.texts().filter((candidate) => !isOfAddress(candidate) && !/^[\w.-]+(?::[\w.-]+)?$/.test(candidate))) {
    for (const rootfs of [`image:${text}`, `docker://${text}`, `docker://127.0.0.1:1/${text}`, `docker://127.0.0.1:1/a:${text}`]) {
      const error = await client.request('create', { rootfs }).then(() => undefined, (reason: unknown) => reason);
      assert.ok(error instanceof RequestError && error.code !== 'internal', `${rootfs.slice(0, 80)}: ${String(error)}`);
    }
  }
  assert.deepEqual(canary.look(), before);
});

test('U1, U2: a root file system and a source that exist under such names are only that', async () => {
  const before = canary.look();
  const octal = `\\057${join(canary.directory, 'mark').slice(1).replaceAll('/', '\\057')}`;
  for (const name of [`$(printf 'touch ${octal}' | sh)`, `\`printf 'touch ${octal}' | sh\``, `x; printf 'touch ${octal}' | sh; y`, '--rbind', '$(id)', 'a b\tc', 'x,lowerdir=y:z']) {
    const directory = join(server.slot.directory, 'named', name);
    mkdirSync(join(server.slot.directory, 'named'), { recursive: true });
    symlinkSync(server.paths.rootfs, directory);
    const client = await server.connect();
    for (const options of [{ rootfs: directory }, { bind_mounts: [{ src_path: directory, dst_path: `/mnt/${name}`, mode: 0 }] }]) {
      const handle = await client.create(options).catch((error: unknown) => assert.ok(error instanceof RequestError && error.code === 'unsupported', String(error)));
      if (handle === undefined) continue;
      assert.equal((await client.run(handle, 'true')).status, 0, name);
      await client.destroy(handle);
    }
    assert.deepEqual(canary.look(), before, name);
  }
});

test('a shell would have run them: the texts can succeed', async () => {
  const own = new Canary(join(server.slot.directory, 'canary-of-a-shell'));
  const before = own.look();
  let hits = 0;
  for (const text of own.texts().filter((candidate) => !candidate.includes('\u0000') && candidate.length < 1_000)) {
    await runProgram('timeout', ['5', '/bin/bash', '-c', `: ${text}`], { cwd: own.directory });
    if (own.look().length !== before.length) hits++;
    await runProgram('rm', ['-f', join(own.directory, 'mark')]);
  }
  assert.ok(hits >= 8, `${hits} texts ran`);
});
