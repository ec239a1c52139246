import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../lib/manual-clock.js';
import { silentLog } from '../../lib/log.js';
import { SystemdService } from './systemd-service.js';

function manager(environment: Record<string, string | undefined>, isSocket = true) {
  const clock = new ManualClock();
  const sent: string[] = [];
  const send = async (socketPath: string, text: string): Promise<void> => void sent.push(`${socketPath}: ${text.replaceAll('\n', ' ')}`);
  return { clock, sent, environment, service: new SystemdService({ environment, pid: 42, send, clock, log: silentLog, isSocket: () => isSocket }) };
}

test('without a service manager nobody is told anything', () => {
  const { sent, service } = manager({ PATH: '/bin' });
  service.ready(0);
  service.stopping();
  assert.deepEqual([sent, service.listeningFd], [[], undefined]);
});

test('what happens is told, and the variables go no further', () => {
  const { sent, service, environment } = manager({ NOTIFY_SOCKET: '@sd', LISTEN_PID: '42', LISTEN_FDS: '1', LISTEN_FDNAMES: 'w', PATH: '/bin' });
  assert.deepEqual([environment, service.listeningFd], [{ PATH: '/bin' }, 3]);
  service.ready(3);
  service.reloading(7n);
  service.reloaded();
  service.stopping();
  assert.deepEqual(sent, ['@sd: READY=1 MAINPID=42 STATUS=3 containers', '@sd: RELOADING=1 MONOTONIC_USEC=7', '@sd: READY=1', '@sd: STOPPING=1 STATUS=containers live on']);
});

test('the event loop\'s life is told twice in the time that the manager waits, until the end', () => {
  const { sent, clock, service } = manager({ NOTIFY_SOCKET: '/s', WATCHDOG_USEC: '2000000', WATCHDOG_PID: '42' });
  service.ready(0);
  for (let turn = 0; turn < 3; turn++) clock.advance(1000);
  assert.deepEqual(sent.slice(1), Array(3).fill('/s: WATCHDOG=1'));
  service.stopping();
  clock.advance(10_000);
  assert.equal(sent.length, 5);
});

test('what is meant for another process is left alone', () => {
  const other = manager({ NOTIFY_SOCKET: '/s', WATCHDOG_USEC: '2000000', WATCHDOG_PID: '43', LISTEN_PID: '43', LISTEN_FDS: '1' });
  other.service.ready(0);
  other.clock.advance(10_000);
  assert.deepEqual([other.sent.length, other.service.listeningFd], [1, undefined]);
  assert.equal(manager({ LISTEN_PID: '42', LISTEN_FDS: '1' }, false).service.listeningFd, undefined, 'no socket');
});
