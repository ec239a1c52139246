import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { claimName } from './exclusive-name.js';

const claim = { name: `test table ${process.pid}`, what: 'the nftables tables "t"', key: 'network.table' };

test('a name has one holder, who is named; given back it is free', async () => {
  const release = await claimName(claim, 'pid 7, depot /somewhere');
  await assert.rejects(claimName(claim, 'pid 8'), {
    code: 'exists',
    message: 'another wardend (pid 7, depot /somewhere) uses the nftables tables "t": stop it or set network.table',
  });
  (await claimName({ ...claim, name: `${claim.name} other` }, 'pid 8'))();
  release();
  (await claimName(claim, 'pid 9'))();
});

test('a holder that was killed blocks nobody', async () => {
  const module = new URL('./exclusive-name.js', import.meta.url).href;
  const script = `import { claimName } from ${JSON.stringify(module)}; await claimName(${JSON.stringify(claim)}, 'pid ' + process.pid); console.log('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  await assert.rejects(claimName(claim, ''), { message: new RegExp(`pid ${child.pid}`) });
  child.kill('SIGKILL');
  await once(child, 'exit');
  (await claimName(claim, ''))();
});

test('long names that begin alike are different ones', async () => {
  const long = { ...claim, name: `${claim.name} ${'ü'.repeat(100)}` };
  const release = await claimName(long, 'pid 7');
  (await claimName({ ...long, name: `${long.name} other` }, 'pid 8'))();
  await assert.rejects(claimName(long, 'pid 9'), { code: 'exists', message: /pid 7/ });
  release();
});
