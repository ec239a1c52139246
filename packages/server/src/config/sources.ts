/**
 * Where settings come from: files, above them the environment, above that the command line. Reads the files; checks nothing but
 * that each is YAML.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, YAMLParseError } from 'yaml';
import { ConfigurationError } from './configuration-error.js';
import type { Layer } from './layers.js';

/** What is read when the command line names no file. Either may be missing. */
export const defaultConfigurationPath = '/etc/warden/config.yml';
export const defaultConfigurationDirectory = '/etc/warden/conf.d';

/** WARDEN__SERVER__JOB_OUTPUT_LIMIT is server.job_output_limit. */
const variablePrefix = 'WARDEN__';

export interface Sources {
  /** Undefined: the default file and directory. */
  readonly configPath: string | undefined;
  /** KEY=VALUE, the key with dots, the value in YAML. */
  readonly settings: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** @throws ConfigurationError naming the source */
export function readLayers({ configPath, settings, environment }: Sources): Layer[] {
  return [...(configPath === undefined ? defaultFiles() : [readFile(configPath)]), ...variables(environment), ...settings.map(settingOf)];
}

/** The text of a configuration file. @param origin what to call it in errors */
export function layerOf(text: string, origin: string): Layer {
  try {
    // YAML 1.1, as the old server's parser: there 0777 is octal.
    return { origin, settings: parse(text, { version: '1.1' }) as unknown };
  } catch (error) {
    throw new ConfigurationError(`${origin} is not valid YAML: ${describeYamlError(error)}`, { cause: error });
  }
}

/** The parser's own text goes on with the line and a caret below it, which one line cannot show. */
function describeYamlError(error: unknown): string {
  if (!(error instanceof YAMLParseError)) return error instanceof Error ? error.message : String(error);
  const reason = error.message.replace(/ at line \d+, column \d+:[^]*$/, '');
  const [at] = error.linePos ?? [];
  return at === undefined ? reason : `line ${at.line}, column ${at.col}: ${reason}`;
}

function readFile(path: string): Layer {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigurationError(`cannot read the configuration file: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  return layerOf(text, path);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function defaultFiles(): Layer[] {
  const layers: Layer[] = [];
  try {
    layers.push(readFile(defaultConfigurationPath));
  } catch (error) {
    if (!(error instanceof ConfigurationError) || !isMissing(error.cause)) throw error;
  }
  try {
    for (const name of readdirSync(defaultConfigurationDirectory).sort()) {
      if (name.endsWith('.yml') && !name.startsWith('.')) layers.push(readFile(join(defaultConfigurationDirectory, name)));
    }
  } catch (error) {
    if (error instanceof ConfigurationError || !isMissing(error)) throw error;
  }
  return layers;
}

function variables(environment: Readonly<Record<string, string | undefined>>): Layer[] {
  return Object.entries(environment)
    .filter(([name, value]) => name.startsWith(variablePrefix) && value !== undefined)
    .map(([name, value]) => nested(name.slice(variablePrefix.length).toLowerCase().split('__'), value ?? '', `environment variable ${name}`));
}

function settingOf(text: string): Layer {
  const equals = text.indexOf('=');
  if (equals < 1) throw new ConfigurationError(`--set ${text}: must be KEY=VALUE, for example --set logging.level=debug`);
  const key = text.slice(0, equals);
  return nested(key.split('.'), text.slice(equals + 1), `--set ${key}`);
}

function nested(path: readonly string[], text: string, origin: string): Layer {
  const settings = path.reduceRight<unknown>((value, key) => Object.fromEntries([[key, value]]), layerOf(text, origin).settings);
  return { origin, settings };
}
