/** `warden config …`: what wardend makes of its configuration. wardend itself is asked, so that nobody else has to know it. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { jsonText } from './json-text.js';
import { takeOutput } from './output-option.js';
import type { Streams } from './streams.js';

export const configUsage = `usage: warden config check [-o json] [--config FILE] [--set KEY=VALUE …]
       warden config show [--origin] [--json] [--config FILE] [--set KEY=VALUE …]

check says whether wardend would start with this configuration, or what is wrong with it and where.
show prints every setting that is in force; with --origin also where it comes from.
Without --config the files are /etc/warden/config.yml and /etc/warden/conf.d/*.yml; WARDEN__SECTION__KEY in the environment is above them.
`;

/** The program of this checkout, found from this file's place in packages/cli/dist. */
const wardend = fileURLToPath(new URL('../../../bin/wardend', import.meta.url));

const flags: ReadonlyMap<string, string> = new Map([['check', '--check-config'], ['show', '--show-config']]);

/** @returns 0, 1 when the configuration is refused, 2 for a wrong command line */
export async function runConfigCommand(argv: readonly string[], { stdout, stderr }: Streams, program = wardend): Promise<number> {
  const [verb = '', ...rest] = argv;
  if (verb === 'help' || argv.includes('--help')) {
    stdout.write(configUsage);
    return 0;
  }
  const flag = flags.get(verb);
  if (flag === undefined) {
    stderr.write(`warden config: ${verb === '' ? 'what about the configuration?' : `unknown command: config ${verb}`}\n${configUsage}`);
    return 2;
  }
  const { words, json } = takeOutput(rest);
  const child = spawn(process.execPath, [program, flag, ...words, ...(json && verb === 'show' ? ['--json'] : [])], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve(status ?? 1));
  });
  if (json && verb === 'check') {
    const said: Buffer[] = [];
    for (const output of [child.stdout, child.stderr]) output.on('data', (piece: Buffer) => said.push(piece));
    const status = await ended;
    const messages = Buffer.concat(said).toString().split('\n').filter((line) => line !== '');
    stdout.write(jsonText({ valid: status === 0, messages }));
    return status;
  }
  child.stdout.pipe(stdout, { end: false });
  child.stderr.pipe(stderr, { end: false });
  return ended;
}
