/*
 * `node bench/dist/simulate.js`: what the simulation says of machines that are not here, from the service times in simulation/measured.ts: cycles of create,
 * run and destroy per second, and what is used up. Needs no root, and no warden.
 */
import { parseArgs } from 'node:util';
import { measuredTimes } from './simulation/measured.js';
import { simulate } from './simulation/simulate.js';
import { sceneOf } from './simulation/warden.js';

const usage = 'usage: node bench/dist/simulate.js [--processors N,…] [--clients N,…]\n';

function numbers(name: string, text: string): number[] {
  return text.split(',').map((word) => {
    const value = Number(word);
    if (Number.isInteger(value) && value >= 1 && value <= 4096) return value;
    throw new Error(`--${name} are integers from 1 to 4096, not ${word}`);
  });
}

const { values } = parseArgs({ strict: true, options: { processors: { type: 'string', default: '2,8,64' }, clients: { type: 'string', default: '1,4,16,64,256' }, help: { type: 'boolean' } } });
if (values.help) process.stdout.write(usage);
else {
  const locks = ['wardend', 'launcher', 'RTNL', 'removal of namespaces'];
  const lines = [['processors', 'clients', 'cycles', 'create', 'run', 'destroy', 'processors busy', ...locks], ['---:', '---:', '---:', '---:', '---:', '---:', '---:', ...locks.map(() => '---:')]];
  for (const processors of numbers('processors', values.processors)) {
    for (const clients of numbers('clients', values.clients)) {
      const { cyclesPerSecond, latencies, used } = simulate(sceneOf(measuredTimes, { processors, clients }));
      const percent = (name: string): string => `${Math.round((used.get(name) ?? 0) * 100)} %`;
      const ms = (name: string): string => `${((latencies.get(name) ?? 0) / 1000).toFixed(1)} ms`;
      lines.push([String(processors), String(clients), `${cyclesPerSecond.toFixed(0)} /s`, ms('create'), ms('run'), ms('destroy'), percent('processors'), ...locks.map(percent)]);
    }
  }
  process.stdout.write(`${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`);
}
