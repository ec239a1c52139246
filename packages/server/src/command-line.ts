/** wardend's command line. Pure. */
import { parseArgs } from 'node:util';
import { defaultConfigurationDirectory, defaultConfigurationPath, type Sources } from './config/sources.js';

export const usage = `usage: wardend [--config FILE] [--set KEY=VALUE …]
       wardend --check-config | --show-config [--origin] [--json] [--config FILE] [--set KEY=VALUE …]

Runs the container server in the foreground until SIGTERM, SIGINT or SIGUSR2; containers live on.

  --config FILE     configuration, YAML (docs/configuration.md; config/linux.yml is a commented one);
                    without it ${defaultConfigurationPath} and ${defaultConfigurationDirectory}/*.yml, where they exist
  --set KEY=VALUE   one setting, above those of files and of WARDEN__SECTION__KEY in the environment
  --check-config    only says whether the configuration is right
  --show-config     prints the settings that are in force; with --origin where each comes from
  --json            the same as JSON
  --help            this text
`;

export type CommandLine =
  | { readonly action: 'serve' | 'check'; readonly sources: Sources }
  | { readonly action: 'show'; readonly sources: Sources; readonly origin: boolean; readonly json: boolean }
  | { readonly action: 'help' }
  | { readonly action: 'refuse'; readonly reason: string };

const options = {
  config: { type: 'string' },
  set: { type: 'string', multiple: true },
  'check-config': { type: 'boolean' },
  'show-config': { type: 'boolean' },
  origin: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

export function parseCommandLine(argv: readonly string[], environment: Sources['environment'] = {}): CommandLine {
  try {
    const { values } = parseArgs({ args: [...argv], options, strict: true, allowPositionals: false });
    if (values.help === true) return { action: 'help' };
    if (values.config === '') return { action: 'refuse', reason: '--config needs a file' };
    const sources: Sources = { configPath: values.config, settings: values.set ?? [], environment };
    const [check, show, origin, json] = [values['check-config'] === true, values['show-config'] === true, values.origin === true, values.json === true];
    if (check && show) return { action: 'refuse', reason: '--check-config and --show-config are two commands' };
    if ((origin || json) && !show) return { action: 'refuse', reason: '--origin and --json belong to --show-config' };
    if (show) return { action: 'show', sources, origin, json };
    return { action: check ? 'check' : 'serve', sources };
  } catch (error) {
    return { action: 'refuse', reason: error instanceof Error ? error.message : String(error) };
  }
}
