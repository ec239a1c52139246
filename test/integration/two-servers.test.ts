/* A second server beside the first: what they may not share is refused, before anything of the first is touched. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { configurationText } from '../harness/configuration.js';
import type { Overrides } from '../harness/configuration.js';
import { output } from '../harness/expect.js';
import { useServer } from '../harness/fixture.js';
import { wardendProgram } from '../harness/paths.js';
import { runProgram } from '../harness/run-program.js';

const server = useServer();

/** Starts a server with everything of its own but what `overrides` leaves as the first has it. @returns why it was refused */
async function refusal(overrides: Overrides): Promise<string> {
  const directory = `${server.slot.directory}/second`;
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${directory}/warden.yml`, configurationText(server.slot, {
    ...overrides, server: { unix_domain_path: `${directory}/warden.sock`, container_depot_path: `${directory}/depot`, ...overrides.server },
  }));
  const { status, stderr } = await runProgram(wardendProgram, ['--config', `${directory}/warden.yml`], { timeoutMs: 15_000 });
  assert.equal(status, 1, stderr);
  return stderr.trim().split('\n').at(-1) ?? '';
}

async function tableText(): Promise<string> {
  return (await runProgram('nft', ['list', 'table', 'inet', server.slot.table])).stdout;
}

test('the same table or cgroup parent is refused, and the first server keeps what it has', async () => {
  const { client, handle } = await server.container({ handle: 'first' });
  const before = await tableText();
  assert.match(before, /w-first-0/);
  const table = await refusal({ server: { cgroup_parent: `${server.slot.cgroupParent}b` } });
  assert.match(table, new RegExp(`another wardend \\(pid ${server.daemon.pid}, .*\\) uses the nftables table ${server.slot.table}: .*network\\.table`));
  const cgroup = await refusal({ network: { table: `${server.slot.table}b` } });
  assert.match(cgroup, new RegExp(`another wardend \\(pid ${server.daemon.pid}, .*\\) uses the cgroup ${server.slot.cgroupParent}: .*server\\.cgroup_parent`));
  assert.equal(await tableText(), before);
  assert.ok(!existsSync(`${server.slot.directory}/second/depot`), 'a server that is refused makes nothing');
  assert.equal(output(await client.run(handle, 'echo here')), 'here\n');
});

test('a server that was killed does not keep its successor from starting', async () => {
  await server.restart({}, 'SIGKILL');
  await (await server.connect()).ping();
});
