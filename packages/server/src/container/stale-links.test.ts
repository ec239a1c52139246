import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LauncherGone } from '../host/launcher.js';
import { silentLog } from '../lib/log.js';
import { RecordingHost } from './recording-host.js';
import { StaleLinks } from './stale-links.js';

const turn = (): Promise<void> => new Promise(setImmediate);

function make(...present: string[]) {
  const host = new RecordingHost();
  const numbers = new Map(present.map((name, index) => [name, index + 1]));
  host.links.indexOf = (name) => numbers.get(name);
  return { host, numbers, links: new StaleLinks(host, silentLog) };
}

test('a link that is still there after a while is removed; one that has gone is not asked for, nor is the next one of its name', async () => {
  const { host, numbers, links } = make('w-kept-0', 'w-gone-0', 'w-next-0');
  for (const name of ['w-kept-0', 'w-gone-0', 'w-next-0', 'w-never-0']) links.add(name);
  numbers.delete('w-gone-0');
  numbers.set('w-next-0', 9);
  const removed: [string, number][] = [];
  host.launcher.removeLink = async (...link) => void removed.push(link);
  host.clock.advance(2999);
  await turn();
  assert.deepEqual(removed, []);
  host.clock.advance(1);
  await turn();
  assert.deepEqual(removed, [['w-kept-0', 1]]);
});

test('a link whose number is known is not looked for when its container goes', async () => {
  const { host, numbers, links } = make('w-kept-0');
  links.add('w-kept-0', 1);
  links.add('w-next-0', 2);
  numbers.set('w-next-0', 9);
  const removed: [string, number][] = [];
  host.launcher.removeLink = async (...link) => void removed.push(link);
  host.links.indexOf = (name) => (host.clock.now() < 3000 ? assert.fail(name) : numbers.get(name));
  links.add('w-other-0', 3);
  host.clock.advance(3000);
  await turn();
  assert.deepEqual(removed, [['w-kept-0', 1]]);
});

test('each has its own while, and they are removed one after the other', async () => {
  const { host, links } = make('w-a-0', 'w-b-0', 'w-c-0');
  const ends: (() => void)[] = [];
  const removed: string[] = [];
  host.launcher.removeLink = (hostName) => new Promise((resolve) => {
    removed.push(hostName);
    ends.push(resolve);
  });
  links.add('w-a-0');
  links.add('w-b-0');
  host.clock.advance(1000);
  links.add('w-c-0');
  host.clock.advance(2000);
  await turn();
  assert.deepEqual(removed, ['w-a-0']);
  ends.shift()?.();
  await turn();
  assert.deepEqual(removed, ['w-a-0', 'w-b-0']);
  ends.shift()?.();
  await turn();
  host.clock.advance(1000);
  await turn();
  assert.deepEqual(removed, ['w-a-0', 'w-b-0', 'w-c-0']);
});

test('a launcher that dies meanwhile is asked again; what fails keeps nobody', async () => {
  const { host, links } = make('w-a-0', 'w-b-0');
  const answers = [new LauncherGone('killed'), new Error('busy'), undefined];
  const asked: string[] = [];
  host.launcher.removeLink = async (hostName) => {
    asked.push(hostName);
    const answer = answers.shift();
    if (answer !== undefined) throw answer;
  };
  links.add('w-a-0');
  links.add('w-b-0');
  host.clock.advance(3000);
  await turn();
  assert.deepEqual(asked, ['w-a-0', 'w-a-0', 'w-b-0']);
});
