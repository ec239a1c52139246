/* `npm start` as README.md shows it: set-up, a root file system of this machine's, daemon, commands from a pipe, and nothing left. */
import assert from 'node:assert/strict';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { configurationText } from '../harness/configuration.js';
import { complaintsAbout, consoleBlocksOf, readDocument, runConsoleBlock } from '../harness/console-blocks.js';
import { useServer } from '../harness/fixture.js';
import { repository } from '../harness/paths.js';

const server = useServer();

const LOGS = '/var/log/warden';
const blocks = consoleBlocksOf(readDocument('README.md')).filter(({ title }) => title === 'Two commands');

/** The configuration of this file's slot in place of the machine's, by the environment. */
function environment(): Record<string, string> {
  const sections = JSON.parse(configurationText(server.slot, { server: { container_rootfs_path: join(server.slot.directory, 'start-rootfs') } })) as Record<string, Record<string, unknown>>;
  const settings = Object.entries(sections).flatMap(([section, keys]) => Object.entries(keys).map(([key, value]) => [`WARDEN__${section}__${key}`.toUpperCase(), JSON.stringify(value)]));
  return { ...Object.fromEntries(settings) as Record<string, string>, HOME: server.slot.directory, npm_config_update_notifier: 'false' };
}

test('the two commands, and the one with a pipe', async () => {
  const others = blocks.flatMap(({ commands }) => commands).filter(({ line }) => !/\bstart\b/.test(line));
  assert.deepEqual(others.map(({ line }) => line.replace(/ +#.*$/, '')), ['sudo npm test'], 'that is what runs this test');
  await server.stop();
  const hadLogs = existsSync(LOGS);
  try {
    for (const block of blocks) {
      const commands = block.commands.filter((command) => !others.includes(command));
      const ran = await runConsoleBlock({ ...block, commands }, { cwd: repository, socket: server.paths.socket, environment: environment(), timeoutMs: 120_000 });
      assert.deepEqual(complaintsAbout(ran), []);
    }
  } finally {
    if (!hadLogs) rmSync(LOGS, { recursive: true, force: true });
    await server.start();
  }
});
