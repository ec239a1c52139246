import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { requestTypes } from 'warden-protocol';
import { complete } from './completion.js';
import { BUILTINS } from './help.js';

const live = (): Promise<string[]> => Promise.resolve(['17sd5s9j2ag', '17sd5s9j2ah', 'with space', '$(id)']);
const offers = async (line: string): Promise<string[]> => (await complete(line, live))[0];

describe('complete', () => {
  it('offers commands', async () => {
    assert.deepEqual(await complete('li', live), [['limit ', 'limit_bandwidth ', 'limit_cpu ', 'limit_disk ', 'limit_memory ', 'link ', 'list ', 'list_files '], 'li']);
    assert.deepEqual(await offers('pin'), ['ping ']);
    assert.equal((await offers('')).length, requestTypes.length + BUILTINS.size);
    assert.deepEqual(await offers('nope'), []);
    assert.deepEqual(await offers('image p'), ['pull ']);
    assert.deepEqual(await offers('rootfs '), ['ls ', 'add ', 'rm ']);
    assert.deepEqual(await offers('help net'), ['net_in ', 'net_out ']);
  });

  it('offers the flags of the command that are not given yet', async () => {
    assert.deepEqual(await offers('stop '), ['--background ', '--handle ', '--help ', '--kill ']);
    assert.deepEqual(await offers('stop --kill --'), ['--background ', '--handle ', '--help ']);
    assert.deepEqual(await complete('run --handle x --rlimits.no', live), [['--rlimits.nofile '], '--rlimits.no']);
    assert.deepEqual(await offers('create --bind_mounts[0].src_path /a --bind'), ['--bind_mounts[0].dst_path ', '--bind_mounts[0].mode ', '--bind_mounts[1].src_path ']);
    assert.deepEqual(await offers('nope --'), []);
  });

  it('offers handles of live containers, quoted where needed', async () => {
    assert.deepEqual(await complete('info --handle 17', live), [['17sd5s9j2ag ', '17sd5s9j2ah '], '17']);
    assert.deepEqual(await offers('destroy --handle '), ['17sd5s9j2ag ', '17sd5s9j2ah ', '\'with space\' ', '\'$(id)\' ']);
    assert.deepEqual(await complete('info --handle \'with s', live), [['\'with space\' '], '\'with s']);
    assert.deepEqual(await complete('info --handle with\\ s', live), [['\'with space\' '], 'with\\ s']);
    assert.deepEqual(await offers('create --handle '), []);
  });

  it('offers names of enums, and nothing for other values', async () => {
    assert.deepEqual(await offers('net_out --protocol '), ['TCP ', 'UDP ', 'ICMP ', 'ALL ']);
    assert.deepEqual(await offers('create --bind_mounts[12].mode R'), ['RO ', 'RW ']);
    assert.deepEqual(await offers('run --script '), []);
  });
});
