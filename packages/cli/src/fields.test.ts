import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeRequest, messageTypes, requestTypeOf, type RequestType, Type, WardenError } from 'warden-protocol';
import { flagsOf, parseFields, typeOf } from './fields.js';

function parse(name: string, ...words: string[]): object {
  const type = requestTypeOf(name) as RequestType;
  const request = parseFields(name, messageTypes[type].request, words);
  encodeRequest(type, request as never);
  return request;
}

function refused(name: string, ...words: string[]): string {
  try {
    parse(name, ...words);
  } catch (error) {
    assert.ok(error instanceof WardenError && error.code === 'invalid_argument', String(error));
    return error.message;
  }
  return assert.fail(`${name} ${words.join(' ')} was accepted`);
}

describe('parseFields', () => {
  it('reads every kind of value', () => {
    assert.deepEqual(parse('run', '--handle', 'x', '--script', '--not-a-flag', '--privileged', '--rlimits.nofile', '64', '--rlimits.as', '18446744073709551615', '--log_tag=a=b'),
      { handle: 'x', script: '--not-a-flag', privileged: true, rlimits: { nofile: 64n, as: 2n ** 64n - 1n }, logTag: 'a=b' });
    assert.deepEqual(parse('net_out', '--handle', '', '--protocol', 'icmp', '--icmp_type', '-1', '--icmp_code=8', '--port', '4294967295', '--log'),
      { handle: '', protocol: 2, icmpType: -1, icmpCode: 8, port: 2 ** 32 - 1, log: true });
    assert.deepEqual(parse('net_out', '--handle', 'x', '--protocol', '3'), { handle: 'x', protocol: 3 });
    assert.deepEqual(parse('ping'), {});
  });

  it('reads lists of plain values, with numbers or in the order of their flags', () => {
    const expected = { handle: 'x', script: '', args: ['echo', '--env', ''], env: ['A=1', 'B==2'] };
    assert.deepEqual(parse('spawn', '--handle', 'x', '--script', '', '--args', 'echo', '--env', 'A=1', '--args', '--env', '--env=B==2', '--args='), expected);
    assert.deepEqual(parse('spawn', '--handle', 'x', '--script', '', '--args[1]', '--env', '--args[0]', 'echo', '--args[2]', '', '--env[0]', 'A=1', '--env', 'B==2'), expected);
    assert.match(refused('spawn', '--handle', 'x', '--script', '', '--args[1]', 'x'), /--args\[0\] of spawn is missing/);
    assert.match(refused('spawn', '--args[0]', 'x', '--args[0]', 'y'), /--args\[0\] of spawn is given twice/);
    assert.match(refused('spawn', '--args.x', 'y'), /unknown field --args\.x of spawn/);
    assert.match(refused('spawn', ...Array.from({ length: 1001 }, () => '--args=x')), /args of spawn has at most 1000 elements/);
  });

  it('reads bytes as the text they are', () => {
    assert.deepEqual(parse('input', '--handle', 'x', '--job_id', '3', '--data', 'ü\n', '--close'), { handle: 'x', jobId: 3, data: Buffer.from('ü\n'), close: true });
    assert.deepEqual(parse('spawn', '--handle', 'x', '--script', '', '--tty.rows', '24', '--tty.columns=80', '--timeout_ms', '18446744073709551615', '--stdin'),
      { handle: 'x', script: '', tty: { rows: 24, columns: 80 }, timeoutMs: 2n ** 64n - 1n, stdin: true });
  });

  it('reads flags with and without a value', () => {
    assert.deepEqual(parse('stop', '--handle', 'x', '--kill', '--background'), { handle: 'x', kill: true, background: true });
    assert.deepEqual(parse('stop', '--kill', 'false', '--background=true', '--handle', 'x'), { handle: 'x', kill: false, background: true });
    assert.match(refused('stop', '--handle', 'x', '--kill=yes'), /--kill of stop is true or false, not "yes"/);
  });

  it('reads nested and repeated fields, in any order', () => {
    assert.deepEqual(parse('create', '--bind_mounts[1].src_path', '/c', '--bind_mounts[0].mode', 'rw', '--bind_mounts[0].src_path', '/a', '--bind_mounts[0].dst_path', '/b',
      '--bind_mounts[1].dst_path=/d', '--bind_mounts[1].mode', 'RO'),
    { bindMounts: [{ mode: 1, srcPath: '/a', dstPath: '/b' }, { srcPath: '/c', dstPath: '/d', mode: 0 }] });
  });

  for (const [words, message] of [
    [['copy_out', '--nope', 'x'], /unknown field --nope of copy_out: there are --handle, /],
    [['create', '--nope', 'x'], /unknown field --nope of create: create --help lists them/],
    [['limit_bandwidth', '--handle'], /--handle of limit_bandwidth needs a value/],
    [['ping', 'x'], /ping takes fields as --NAME VALUE: "x" is none/],
    [['ping', '--x'], /unknown field --x of ping: ping takes no fields/],
    [['create', '-h'], /"-h" is none/],
    [['create', '--handle', 'x', '--handle', 'y'], /--handle of create is given twice/],
    [['create', '--bind_mounts.src_path', 'x'], /bind_mounts of create is repeated: write --bind_mounts\[0\]/],
    [['create', '--handle[0]', 'x'], /handle of create is not repeated: write it without \[0\]/],
    [['create', '--bind_mounts[0]', 'x'], /--bind_mounts\[0\] of create has fields of its own: --bind_mounts\[0\]\.src_path/],
    [['create', '--bind_mounts[1].src_path', 'x'], /--bind_mounts\[0\] of create is missing/],
    [['create', '--bind_mounts[4294967295].src_path', 'x'], /unknown field/],
    [['create', '--bind_mounts[0].src_path', 'x'], /CreateRequest\.BindMount: the required field dst_path is missing/],
    [['create', '--bind_mounts[0].mode', 'rx'], /--bind_mounts\[0\]\.mode of create is one of RO, RW, not "rx"/],
    [['create', '--handle.length', 'x'], /unknown field/],
    [['create', '--', 'x'], /unknown field -- of create/],
    [['create', '--grace_time', '4294967296'], /--grace_time of create is an integer from 0 to 4294967295, not "4294967296"/],
    [['create', '--grace_time', '1e3'], /is an integer/], [['create', '--grace_time', ''], /is an integer/], [['create', '--grace_time', '-1'], /is an integer/],
    [['limit_memory', '--handle', 'x', '--limit_in_bytes', '18446744073709551616'], /from 0 to 18446744073709551615/],
    [['limit_memory', '--handle', 'x', '--limit_in_bytes', '0x10'], /is an integer/],
    [['run', '--handle', 'x'], /RunRequest: the required field script is missing/],
    [['run', '--rlimits', 'x'], /--rlimits of run has fields of its own/],
  ] as const) {
    it(`refuses ${words.join(' ')}`, () => {
      const [name, ...rest] = words;
      assert.match(refused(name, ...rest), message);
    });
  }

  it('never reaches a prototype', () => {
    for (const path of ['__proto__', '__proto__.polluted', 'constructor.prototype.polluted', 'rlimits.__proto__.polluted', 'bind_mounts[0].__proto__.polluted', 'bind_mounts[__proto__].mode',
      'toString', 'hasOwnProperty']) {
      for (const name of ['create', 'run']) assert.match(refused(name, `--${path}`, 'true'), /unknown field/);
    }
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
    assert.deepEqual(parse('create', '--handle', '__proto__'), { handle: '__proto__' });
  });
});

describe('flagsOf', () => {
  it('covers every field of every request', () => {
    assert.deepEqual(flagsOf(messageTypes[Type.Create].request).map(({ name, rule }) => `${rule} ${name}`), ['repeated bind_mounts[N].src_path', 'repeated bind_mounts[N].dst_path',
      'repeated bind_mounts[N].mode', 'optional grace_time', 'optional handle', 'optional network', 'optional rootfs', 'repeated hooks[N].point', 'repeated hooks[N].program', 'repeated hooks[N].args[N]', 'repeated hooks[N].timeout_ms',
      'optional pull', 'optional registry_auth.username', 'optional registry_auth.password', 'optional registry_auth.identity_token', 'repeated labels[N].key', 'repeated labels[N].value', 'optional ttl']);
    assert.equal(flagsOf(messageTypes[Type.Run].request).length, 5 + 15 + 9);
    assert.deepEqual([...new Set(flagsOf(messageTypes[Type.NetOut].request).map(typeOf))], ['string', 'uint32', 'TCP|UDP|ICMP|ALL', 'int32', 'bool']);
  });
});
