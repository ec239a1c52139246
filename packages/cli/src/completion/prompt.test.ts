import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { subcommands } from '../subcommands.js';
import { complete } from './prompt.js';

const sources = { handles: () => Promise.resolve(['17sd5s9j2ag', '17sd5s9j2ah', 'with space', '$(id)', 'rude\u001b[2J']), images: () => Promise.resolve(['app:1', 'base']) };
const offers = async (line: string): Promise<string[]> => (await complete(line, sources))[0];

describe('complete', () => {
  it('offers commands', async () => {
    assert.deepEqual(await complete('lim', sources), [['limit ', 'limit_bandwidth ', 'limit_cpu ', 'limit_disk ', 'limit_memory ', 'limit_pids ', 'limits '], 'lim']);
    assert.deepEqual(await offers('pin'), ['ping ']);
    const all = await offers('');
    for (const name of [...subcommands.keys(), 'cp', 'image', 'help', 'config']) assert.ok(all.includes(`${name} `), name);
    assert.ok(!all.includes('limit_cpu '), 'requests are no part of the first list');
    assert.deepEqual(await offers('nope'), []);
    assert.deepEqual(await offers('image p'), ['pull ']);
    assert.deepEqual(await offers('rootfs '), ['build ', 'ls ', 'add ', 'rm ']);
    assert.deepEqual(await offers('help net'), ['net_in ', 'net_out ']);
  });

  it('offers options that are not given yet, and the fields of a request of that name', async () => {
    assert.deepEqual(await offers('stop --'), ['--background ', '--handle ', '--help ', '--kill ', '--output ']);
    assert.deepEqual(await offers('stop --handle x --'), ['--background ', '--help ', '--kill ']);
    assert.deepEqual(await offers('stats --a'), ['--all ']);
    assert.deepEqual(await offers('stats --all --a'), []);
    assert.deepEqual(await offers('inspect --fi'), ['--field ']);
    assert.deepEqual(await offers('top -o '), ['table ', 'json ']);
    assert.deepEqual(await offers('top --output j'), ['json ']);
    assert.deepEqual(await complete('run --handle x --rlimits.no', sources), [['--rlimits.nofile '], '--rlimits.no']);
    assert.deepEqual(await offers('create --bind_mounts[0].src_path /a --bind'), ['--bind_mounts[0].dst_path ', '--bind_mounts[0].mode ', '--bind_mounts[1].src_path ']);
    assert.deepEqual(await offers('exec demo ls --'), [], 'these are of another program');
    assert.deepEqual(await offers('nope --'), []);
  });

  it('offers handles, quoted where needed, each once, and none that a terminal would obey', async () => {
    assert.deepEqual(await complete('info --handle 17', sources), [['17sd5s9j2ag ', '17sd5s9j2ah '], '17']);
    assert.deepEqual(await offers('inspect '), ['17sd5s9j2ag ', '17sd5s9j2ah ', '\'with space\' ', '\'$(id)\' ']);
    assert.deepEqual(await offers('inspect 17sd5s9j2ag 17'), ['17sd5s9j2ah ']);
    assert.deepEqual(await offers('top 17sd5s9j2ag 17'), []);
    assert.deepEqual(await complete('info --handle \'with s', sources), [['\'with space\' '], '\'with s']);
    assert.deepEqual(await complete('info --handle with\\ s', sources), [['\'with space\' '], 'with\\ s']);
    assert.deepEqual(await offers('cp 17sd5s9j2ag'), ['17sd5s9j2ag:']);
    assert.deepEqual(await offers('create --handle '), []);
    assert.deepEqual(await offers('run a'), ['app:1 ']);
  });

  it('offers names of enums, and nothing for other values', async () => {
    assert.deepEqual(await offers('net_out --protocol '), ['TCP ', 'UDP ', 'ICMP ', 'ALL ']);
    assert.deepEqual(await offers('create --bind_mounts[12].mode R'), ['RO ', 'RW ']);
    assert.deepEqual(await offers('spawn --script '), []);
  });
});
