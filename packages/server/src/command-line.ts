/** wardend's command line. Pure. */
import { parseArgs } from 'node:util';

export const usage = `usage: wardend --config FILE

Runs the container server in the foreground until SIGTERM, SIGINT or SIGUSR2; containers live on.

  --config FILE   configuration, YAML (docs/configuration.md; config/linux.yml is a commented one)
  --help          this text
`;

export type CommandLine = { readonly action: 'serve'; readonly configPath: string } | { readonly action: 'help' } | { readonly action: 'refuse'; readonly reason: string };

export function parseCommandLine(argv: readonly string[]): CommandLine {
  try {
    const { values } = parseArgs({ args: [...argv], options: { config: { type: 'string' }, help: { type: 'boolean' } }, strict: true, allowPositionals: false });
    if (values.help === true) return { action: 'help' };
    if (values.config === undefined || values.config === '') return { action: 'refuse', reason: '--config FILE is missing' };
    return { action: 'serve', configPath: values.config };
  } catch (error) {
    return { action: 'refuse', reason: error instanceof Error ? error.message : String(error) };
  }
}
