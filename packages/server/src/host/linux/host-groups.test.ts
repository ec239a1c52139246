import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupIdOf } from './host-groups.js';

const text = 'root:x:0:\nbad:x:seven:\n# x:x:3:\nwarden:x:987:alice,bob\nwarden:x:5:\n';

test('a group by name or number', () => {
  assert.deepEqual([groupIdOf('warden', text), groupIdOf('root', text), groupIdOf('1234', text)], [987, 0, 1234]);
  for (const name of ['nobody', 'bad', 'ward', '4294967295', '-1']) assert.throws(() => groupIdOf(name, text), { code: 'not_found', message: /unix_domain_group/ });
});
