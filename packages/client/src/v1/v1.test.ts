import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { type ResponseInit, type RequestType, Type, WardenError } from 'warden-protocol';
import { WardenClient } from '../client.js';
import { EventClient } from '../event-client.js';
import { type FakeHandlers, FakeServer } from '../testing/fake-server.js';
import { type V1Command, v1Request } from './request.js';
import { V1Reply, type V1StreamValue, type V1Value } from './value.js';

const { RO, RW } = { RO: 0, RW: 1 };

describe('a v1 command', () => {
  const requests: [V1Command, RequestType, object][] = [
    [['ping'], Type.Ping, {}],
    [['list'], Type.List, {}],
    [['echo', 'hello world'], Type.Echo, { message: 'hello world' }],
    [['create'], Type.Create, {}],
    [['create', {}], Type.Create, {}],
    [['create', { bind_mounts: [['/a', '/b', 'ro'], ['/c', '/d', { mode: 'rw' }]], grace_time: 1.1 }], Type.Create,
      { bindMounts: [{ srcPath: '/a', dstPath: '/b', mode: RO }, { srcPath: '/c', dstPath: '/d', mode: RW }], graceTime: 1 }],
    [['create', { grace_time: '300', handle: 'h', network: '10.0.0.1', rootfs: '/r' }], Type.Create, { graceTime: 300, handle: 'h', network: '10.0.0.1', rootfs: '/r' }],
    [['stop', 'h'], Type.Stop, { handle: 'h' }],
    [['destroy', 'h'], Type.Destroy, { handle: 'h' }],
    [['info', 'h'], Type.Info, { handle: 'h' }],
    [['spawn', 'h', 'echo foo'], Type.Spawn, { handle: 'h', script: 'echo foo' }],
    [['run', 'h', ''], Type.Run, { handle: 'h', script: '' }],
    [['link', 'h', '1'], Type.Link, { handle: 'h', jobId: 1 }],
    [['stream', 'h', 4294967295], Type.Stream, { handle: 'h', jobId: 4294967295 }],
    [['net', 'h', 'in'], Type.NetIn, { handle: 'h' }],
    [['net', 'h', 'out', '10.0.0.0/8'], Type.NetOut, { handle: 'h', network: '10.0.0.0/8' }],
    [['net', 'h', 'out', '10.0.0.1:1234'], Type.NetOut, { handle: 'h', network: '10.0.0.1', port: 1234 }],
    [['net', 'h', 'out', ':80'], Type.NetOut, { handle: 'h', port: 80 }],
    [['copy', 'h', 'in', '/src', '/dst'], Type.CopyIn, { handle: 'h', srcPath: '/src', dstPath: '/dst' }],
    [['copy', 'h', 'out', '/src', '/dst'], Type.CopyOut, { handle: 'h', srcPath: '/src', dstPath: '/dst' }],
    [['copy', 'h', 'out', '/src', '/dst', 'me:us'], Type.CopyOut, { handle: 'h', srcPath: '/src', dstPath: '/dst', owner: 'me:us' }],
    [['limit', 'h', 'mem'], Type.LimitMemory, { handle: 'h' }],
    [['limit', 'h', 'mem', '1234'], Type.LimitMemory, { handle: 'h', limitInBytes: 1234n }],
    [['limit', 'h', 'disk'], Type.LimitDisk, { handle: 'h' }],
    [['limit', 'h', 'disk', 1234n], Type.LimitDisk, { handle: 'h', byte: 1234n }],
    [['limit', 'h', 'bandwidth', '10', 20], Type.LimitBandwidth, { handle: 'h', rate: 10n, burst: 20n }],
  ];
  for (const [command, type, request] of requests) {
    it(`${JSON.stringify(command.map((word) => typeof word === 'bigint' ? `${word}n` : word))} is a request`, () => assert.deepEqual(v1Request(command), { type, request }));
  }

  const refused: [unknown[], RegExp][] = [
    [['frobnicate', 'h'], /^Unknown command: frobnicate$/],
    [['__proto__'], /^Unknown command: __proto__$/],
    [[], /^Unknown command: undefined$/],
    [['net', 'h', 'up'], /^Unknown command: net up$/],
    [['copy', 'h', 'across', 'a', 'b'], /^Unknown command: copy across$/],
    [['limit', 'h', 'fun', 1], /^Unknown command: limit fun$/],
    [['stop'], /stop needs a handle/],
    [['run', 'h'], /run needs a script/],
    [['net', 'h', 'out'], /net needs what to reach/],
    [['net', 'h', 'out', 'x:http'], /the port of net is a whole number, not "http"/],
    [['link', 'h', '1.5'], /a job id of link is a whole number, not "1.5"/],
    [['link', 'h', '0x10'], /whole number/],
    [['ping', 'again'], /ping has more words than it takes/],
    [['echo', {}], /echo takes text and numbers, not object/],
    [['create', 'x'], /create takes an object of options/],
    [['create', { frob: 1 }], /unknown option "frob" of create/],
    [['create', { handle: 1 }], /handle of create is text/],
    [['create', { grace_time: 'invalid' }], /grace_time of create is a whole number, not "invalid"/],
    [['create', { bind_mounts: [['/a', '/b', 'rx']] }], /ro or rw, not "rx"/],
    [['create', { bind_mounts: [['/a', '/b', { mode: 'rx' }]] }], /ro or rw, not "rx"/],
    [['create', { bind_mounts: [['/a']] }], /\[SOURCE, DESTINATION, MODE\]/],
    [['create', { bind_mounts: '/a' }], /a list of/],
  ];
  for (const [command, message] of refused) {
    it(`${JSON.stringify(command)} is refused`, () => assert.throws(() => v1Request(command as never), (error) => error instanceof WardenError && error.code === 'invalid_argument' && message.test(error.message)));
  }
});

function valueOf<T extends RequestType>(type: T, response: ResponseInit<T>): V1Value {
  return new V1Reply(type).value(response);
}

describe('a v1 value', () => {
  it('is plain', () => {
    assert.equal(valueOf(Type.Ping, {}), 'pong');
    assert.equal(valueOf(Type.Create, { handle: 'h' }), 'h');
    for (const type of [Type.Stop, Type.Destroy, Type.NetOut, Type.CopyIn, Type.CopyOut] as const) assert.equal(valueOf(type, {}), 'ok');
    assert.equal(valueOf(Type.Spawn, { jobId: 3 }), 3);
    assert.deepEqual(valueOf(Type.Link, { exitStatus: 255, stdout: Buffer.from('out ü'), stderr: Buffer.from('err') }), [255, 'out ü', 'err']);
    assert.deepEqual(valueOf(Type.Run, {}), [null, '', '']);
    assert.deepEqual(valueOf(Type.Stream, { name: 'stdout', data: Buffer.from('data') }), ['stdout', 'data', null]);
    assert.deepEqual(valueOf(Type.Stream, { exitStatus: 25 }), [null, null, 25]);
    assert.deepEqual(valueOf(Type.NetIn, { hostPort: 1234, containerPort: 2345 }), { host_port: 1234, container_port: 2345 });
    assert.equal(valueOf(Type.LimitMemory, { limitInBytes: 1234n }), 1234);
    assert.equal(valueOf(Type.LimitMemory, { limitInBytes: 9223372036854771712n }), 9223372036854771712n);
    assert.equal(valueOf(Type.LimitDisk, { byte: 1234n }), 1234);
    assert.equal(valueOf(Type.LimitDisk, { byteLimit: 12n }), 12);
    assert.equal(valueOf(Type.LimitDisk, {}), null);
    assert.equal(valueOf(Type.LimitBandwidth, { rate: 10n, burst: 20n }), 'rate: 10 burst: 20');
    assert.deepEqual(valueOf(Type.List, { handles: ['a', 'b'] }), ['a', 'b']);
    assert.equal(valueOf(Type.Echo, { message: 'hello' }), 'hello');
  });

  it('of info has the names of the protocol, nested ones too', () => {
    assert.deepEqual(valueOf(Type.Info, {
      state: 'active', events: ['out of memory'], hostIp: '10.0.0.1', memoryStat: { cache: 1n, hierarchicalMemoryLimit: 2n ** 63n - 4096n }, cpuStat: { usage: 5n },
      bandwidthStat: { inRate: 4294967295n }, jobIds: [7n], netIn: [{ hostPort: 1, containerPort: 2, protocol: 0 }],
    }), {
      state: 'active', events: ['out of memory'], host_ip: '10.0.0.1', memory_stat: { cache: 1, hierarchical_memory_limit: 9223372036854771712n }, cpu_stat: { usage: 5 },
      bandwidth_stat: { in_rate: 4294967295 }, job_ids: [7], net_in: [{ host_port: 1, container_port: 2, protocol: 0 }],
    });
  });

  it('of a stream has whole characters, though they come in two pieces', () => {
    const reply = new V1Reply(Type.Stream);
    const [first, second] = [Buffer.from('aü').subarray(0, 2), Buffer.from('aü').subarray(2)];
    assert.deepEqual(reply.value({ name: 'stdout', data: first }), ['stdout', 'a', null]);
    assert.deepEqual(reply.value({ name: 'stderr', data: Buffer.from('e') }), ['stderr', 'e', null]);
    assert.deepEqual(reply.value({ name: 'stdout', data: second }), ['stdout', 'ü', null]);
    assert.deepEqual(reply.value({ name: 'stdout', data: first }), ['stdout', 'a', null]);
    assert.deepEqual(reply.value({ exitStatus: 0 }), ['stdout', '\ufffd', 0]);
  });

  it('of what has no v1 form does not exist', () => {
    assert.throws(() => valueOf(Type.Jobs, {}), (error) => error instanceof WardenError && error.code === 'unsupported');
  });
});

describe('the v1 mode of a client', () => {
  const handlers: FakeHandlers = {
    [Type.Info]: () => { throw new WardenError('not_found', 'unknown handle'); },
    [Type.Run]: ({ script }) => ({ exitStatus: 0, stdout: Buffer.from(script) }),
    [Type.Stream]: async function* () {
      yield { name: 'stdout', data: Buffer.from('a') };
      yield { name: 'stderr', data: Buffer.from('b') };
      yield { exitStatus: 4 };
    },
  };
  const pieces = [['stdout', 'a', null], ['stderr', 'b', null], [null, null, 4]];
  let server: FakeServer;
  let client: { close(): Promise<void> };
  afterEach(async () => {
    await client.close();
    await server[Symbol.asyncDispose]();
  });

  it('is a method of the promise client', async () => {
    server = await FakeServer.listen(handlers);
    const promises = client = new WardenClient({ path: server.path });
    assert.equal(await promises.v1(['ping']), 'pong');
    assert.deepEqual(await promises.v1(['run', 'h', 'x']), [0, 'x', '']);
    const seen: V1StreamValue[] = [];
    assert.deepEqual(await promises.v1(['stream', 'h', '1'], { onPiece: (piece) => seen.push(piece) }), [null, null, 4]);
    assert.deepEqual(seen, pieces);
    await assert.rejects(promises.v1(['info', 'h']), /^WardenError: unknown handle$/);
    await assert.rejects(promises.v1(['frob']), /^WardenError: Unknown command: frob$/);
    assert.equal(server.connections, 1);
  });

  it('is a list of words for the event client', async () => {
    server = await FakeServer.listen(handlers);
    const events = client = new EventClient(server.path);
    assert.equal(await events.call(['ping']), 'pong');
    const seen: [string | undefined, V1Value | undefined, boolean][] = [];
    await new Promise<void>((resolve) => {
      const note = (error: WardenError | undefined, value: V1Value | undefined, isLast: boolean): void => {
        seen.push([error?.message, value, isLast]);
        if (error !== undefined) resolve();
      };
      events.call(['run', 'h', 'x'], note);
      events.call(['stream', 'h', 1], note);
      events.call(['info', 'h'], note);
    });
    assert.deepEqual(seen, [[undefined, [0, 'x', ''], true], ...pieces.map((piece) => [undefined, piece, piece[2] !== null]), ['unknown handle', undefined, true]]);
  });
});
