import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commandHelp, commandList, programHelp } from './help.js';
import { localCommands } from './local-commands.js';
import { printable, printedFields } from './print.js';
import { messageTypes, requestTypes, Type } from 'warden-protocol';

const printed = (type: keyof typeof messageTypes, message: object): string => Buffer.from(printedFields(messageTypes[type].response, message)).toString('latin1');

describe('printedFields', () => {
  it('flattens nested fields and lists, in the order of the protocol', () => {
    assert.equal(printed(Type.Info, { jobIds: [1n, 2n ** 64n - 1n], events: ['a', 'b'], state: 'active', memoryStat: { rss: 5n, cache: 0n }, hostIp: '10.254.0.1' }),
      'state : active\nevents[0] : a\nevents[1] : b\nhost_ip : 10.254.0.1\nmemory_stat.cache : 0\nmemory_stat.rss : 5\njob_ids[0] : 1\njob_ids[1] : 18446744073709551615\n');
  });

  it('shows what a link has carried', () => {
    assert.equal(printed(Type.Info, { state: 'active', events: [], jobIds: [], networkStat: { inBytes: 2n ** 64n - 1n, inPackets: 2n, outBytes: 0n, outPackets: 4n } }),
      'state : active\nnetwork_stat.in_bytes : 18446744073709551615\nnetwork_stat.in_packets : 2\nnetwork_stat.out_bytes : 0\nnetwork_stat.out_packets : 4\n');
  });

  it('prints nothing for nothing', () => {
    assert.equal(printed(Type.Stop, {}), '');
    assert.equal(printed(Type.List, { handles: [] }), '');
  });

  it('keeps the bytes of output', () => {
    assert.equal(printed(Type.Link, { exitStatus: 3, stdout: Buffer.from('\xff\0\n', 'latin1'), stderr: Buffer.from('e'), info: { state: 'x', events: [], jobIds: [] } }),
      'exit_status : 3\nstdout : \xff\0\nstderr : e\ninfo.state : x\n');
  });

  it('disarms text that would move the cursor', () => {
    assert.equal(printed(Type.Create, { handle: 'a\x1b[2Jb\x9b\r\x7f' }), 'handle : a\\x1b[2Jb\\x9b\\x0d\\x7f\n');
    assert.equal(printed(Type.Info, { state: 'active', events: [], jobIds: [], labels: [{ key: 'note', value: 'x\nstate : stopped' }] }), 'state : active\nlabels[0].key : note\nlabels[0].value : x\\nstate : stopped\n');
    assert.equal(printed(Type.Echo, { message: 'two\nlines' }), 'message : two\nlines\n');
    assert.equal(printable('tab\tline\nünï'), 'tab\tline\nünï');
  });
});

describe('help', () => {
  it('lists every command with one line', () => {
    const lines = commandList().split('\n');
    for (const type of requestTypes) assert.equal(lines.filter((line) => line.startsWith(`  ${messageTypes[type].name} `)).length, 1, messageTypes[type].name);
    for (const name of ['help', 'exit', 'quit']) assert.ok(lines.some((line) => line.startsWith(`  ${name} `)));
  });

  it('of a command shows its fields by rule, with type and default', () => {
    const text = commandHelp(Type.Run);
    assert.match(text, /^run: .+\nusage: run --handle string --script string \[field…\]\n\nrequired:\n {2}--handle string\n {2}--script string {2}Read by/);
    assert.match(text, /optional:\n {2}--privileged bool {7,}\(default false\) As root/);
    assert.match(text, /\n {2}--rlimits\.nofile uint64\n/);
    assert.match(commandHelp(Type.Create), /repeated:\n {2}--bind_mounts\[N\]\.src_path string {2,}A file/);
    assert.match(commandHelp(Type.Create), /--bind_mounts\[N\]\.mode RO\|RW\n/);
    assert.equal(commandHelp(Type.Ping), 'ping: see whether the server answers\nusage: ping\n');
    for (const type of requestTypes) assert.ok(commandHelp(type).split('\n').every((line) => line === line.trimEnd()));
  });

  it('of the program names options and local commands', () => {
    const text = programHelp(localCommands);
    for (const part of ['--socket PATH', '--trace', '--exit_on_error', 'rootfs', 'ping', '/run/warden/warden.sock']) assert.ok(text.includes(part), part);
  });
});
