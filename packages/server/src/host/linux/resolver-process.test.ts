import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { parseIpv4Address } from '../../lib/ipv4.js';
import type { Log } from '../../lib/log.js';
import { systemClock } from '../../lib/timer.js';
import { ResolverProcess, type ResolverOptions } from './resolver-process.js';

const here = parseIpv4Address('127.0.0.1')!;
const header = Buffer.from('000701000001000000000000', 'hex');
const question = (name: string): Buffer => Buffer.concat([header, ...name.split('.').map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)])), Buffer.from('0000010001', 'hex')]);

interface Line { readonly fields: Record<string, unknown>; readonly text: string }

function resolverFor(context: TestContext, options: Partial<ResolverOptions> = {}) {
  const lines: Line[] = [];
  const ports: number[] = [];
  let announced: () => void = () => undefined;
  const write = (fields: object | string, text?: string): void => void lines.push(typeof fields === 'string' ? { fields: {}, text: fields } : { fields: { ...fields }, text: text ?? '' });
  const log: Log = { debug: write, info: write, warn: write, error: write };
  const resolver = new ResolverProcess({
    servers: ['127.0.0.1'], clock: systemClock, log, open: async () => [],
    announce: async (port, _, done) => {
      ports.push(port);
      done();
      announced();
    },
    ...options,
  });
  context.after(() => resolver.close());
  const pid = (): number => Number(lines.findLast(({ fields }) => 'port' in fields)?.fields['pid']);
  return { resolver, lines, ports, pid, nextAnnouncement: () => new Promise<void>((resolve) => { announced = resolve; }) };
}

async function ask(port: number, name: string): Promise<number> {
  const socket = dgram.createSocket('udp4');
  socket.send(question(name), port, '127.0.0.1');
  const [reply] = await once(socket, 'message') as [Buffer];
  socket.close();
  return reply.readUInt16BE(2) & 15;
}

test('it starts with its first client, answers where it was announced, and has no rights', async (context) => {
  const { resolver, ports, pid } = resolverFor(context);
  assert.equal(resolver.port, 0);
  await resolver.serve(here, ['a.test']);
  assert.deepEqual(ports, [resolver.port]);
  const noSuchName = 3;
  assert.equal(await ask(resolver.port, 'b.test'), noSuchName);
  const status = readFileSync(`/proc/${pid()}/status`, 'utf8');
  assert.match(status, /^CapEff:\t0000000000000000$/m);
  if (process.geteuid?.() !== 0) return;
  assert.match(status, /^Uid:\t65534\t65534\t65534\t65534\nGid:\t65534\t65534\t65534\t65534$/m);
  assert.match(status, /^Groups:\t *$/m);
});

test('when it dies it is started again, on the same port, and knows its clients', async (context) => {
  const { resolver, ports, pid, nextAnnouncement } = resolverFor(context);
  await resolver.serve(here, ['a.test']);
  const again = nextAnnouncement();
  process.kill(pid(), 'SIGKILL');
  await again;
  assert.equal(ports.length, 2);
  assert.equal(ports[0], ports[1]);
  assert.equal(await ask(resolver.port, 'b.test'), 3);
});

test('one that cannot be announced is an error, and none is left', async (context) => {
  const { resolver } = resolverFor(context, { announce: () => Promise.reject(new Error('no table')) });
  await assert.rejects(resolver.serve(here, []), /no table/);
});

test('a server that is ending starts none', async (context) => {
  const { resolver } = resolverFor(context);
  await resolver.close();
  await assert.rejects(resolver.serve(here, []), /the server is ending/);
});
