import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openLog } from './log-file.js';
import { syslogLine } from './log-syslog.js';

const at = new Date(2026, 1, 3, 4, 5, 6);

test('lines have the form and the priorities of syslog', () => {
  assert.equal(syslogLine('warden', 30, '{"msg":"ready"}\n', at), `<30>Feb  3 04:05:06 warden[${process.pid}]: {"msg":"ready"}`);
  assert.deepEqual([60, 50, 40, 30, 20, 10].map((level) => syslogLine('w', level, '', at).split('>')[0]), ['<26', '<27', '<28', '<30', '<31', '<31']);
});

test('a long line is cut between two characters, and says so', () => {
  const cut = syslogLine('w', 30, 'é'.repeat(10_000), at).split(': ')[1] ?? '';
  assert.ok(Buffer.byteLength(cut) <= 8192 && Buffer.byteLength(cut) > 8180, String(Buffer.byteLength(cut)));
  assert.match(cut, /^é+…$/);
});

test('lines from before syslog can be reached are sent first', () => {
  const { log, attachSyslog } = openLog({ level: 'info', file: '/dev/null', syslog: 'warden' });
  const sent: string[] = [];
  log.warn({ one: 1 }, 'early');
  log.debug('too fine');
  attachSyslog((datagram) => void sent.push(datagram));
  log.error('late');
  assert.deepEqual(sent.map((line) => [line.slice(0, 4), /"msg":"([a-z]+)"/.exec(line)?.[1]]), [['<28>', 'early'], ['<27>', 'late']]);
});
