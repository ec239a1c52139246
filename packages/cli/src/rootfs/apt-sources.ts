/*
 * Where this machine's own packages come from: the entries of /etc/apt that belong to its distribution, in both formats
 * that apt knows (sources.list(5)). Other people's repositories are left out.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface AptSource {
  readonly uri: string;
  readonly suite: string;
  readonly components: readonly string[];
  /** A keyring's path, or a whole key in the multi-line form of deb822; undefined: apt's trusted keys. */
  readonly signedBy?: string;
  /** Further fields that change how apt treats the source: Trusted, Check-Valid-Until. */
  readonly options: Readonly<Record<string, string>>;
}

const KEPT_OPTIONS = new Map([['trusted', 'Trusted'], ['check-valid-until', 'Check-Valid-Until']]);

/** One `deb [option=value …] uri suite component…` line; nothing for other lines. */
export function parseSourceLine(line: string): AptSource | undefined {
  const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)((?:\s+[^\s#]+)*)/.exec(line);
  if (match === null) return undefined;
  const [, bracket = '', uri = '', suite = '', rest = ''] = match;
  const options: Record<string, string> = {};
  let signedBy: string | undefined;
  for (const option of bracket.trim().split(/\s+/)) {
    const [name = '', value = ''] = option.split('=');
    const kept = KEPT_OPTIONS.get(name.toLowerCase());
    if (name.toLowerCase() === 'signed-by') signedBy = value;
    else if (kept !== undefined) options[kept] = value;
  }
  return { uri, suite, components: rest.trim().split(/\s+/).filter((text) => text !== ''), options, ...(signedBy === undefined ? {} : { signedBy }) };
}

/** The stanzas of a deb822 file (`.sources`), each combination of address and suite as one source. */
export function parseSourceStanzas(text: string): AptSource[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const fields = new Map<string, string>();
    let current = '';
    for (const line of stanza.split('\n')) {
      if (line.startsWith('#')) continue;
      const field = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
      if (field !== null) fields.set(current = (field[1] ?? '').toLowerCase(), field[2] ?? '');
      else if (/^\s/.test(line) && current !== '') fields.set(current, `${fields.get(current) ?? ''}\n${line}`);
    }
    const words = (name: string): string[] => (fields.get(name) ?? '').split(/\s+/).filter((word) => word !== '');
    if (!words('types').includes('deb') || /^(?:no|false|0|off)$/i.test(fields.get('enabled') ?? '')) return [];
    const options: Record<string, string> = {};
    for (const [name, kept] of KEPT_OPTIONS) {
      const value = fields.get(name);
      if (value !== undefined) options[kept] = value;
    }
    const signedBy = fields.get('signed-by');
    return words('uris').flatMap((uri) =>
      words('suites').map((suite) => ({ uri, suite, components: words('components'), options, ...(signedBy === undefined ? {} : { signedBy }) })));
  });
}

/** Every source that apt uses on this machine, those of the distribution's own files first. */
export function readAptSources(directory = '/etc/apt'): AptSource[] {
  const read = (path: string): AptSource[] => {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch {
      return []; // no such file: apt does not mind either
    }
    return path.endsWith('.sources') ? parseSourceStanzas(text) : text.split('\n').map(parseSourceLine).filter((source) => source !== undefined);
  };
  let names: string[];
  try {
    names = readdirSync(join(directory, 'sources.list.d')).filter((name) => /\.(?:list|sources)$/.test(name)).sort();
  } catch {
    names = [];
  }
  const own = (name: string): boolean => /^(?:debian|ubuntu)\.(?:list|sources)$/.test(name);
  const files = [...names.filter(own), '../sources.list', ...names.filter((name) => !own(name))];
  return files.flatMap((name) => read(join(directory, 'sources.list.d', name)));
}

/**
 * The sources for a root file system of one suite: the first that offers it (or, for a suite other than this machine's
 * own, the first that offers the machine's own, asked for the other), and those of its updates that are signed by the same keys.
 * @param machineSuite VERSION_CODENAME of /etc/os-release
 */
export function chooseSources(all: readonly AptSource[], suite: string, machineSuite: string): AptSource[] {
  const main = (wanted: string): AptSource | undefined => all.find((source) => source.suite === wanted && source.components.includes('main'));
  const first = main(suite);
  if (first === undefined) {
    const template = main(machineSuite);
    return template === undefined ? [] : [{ ...template, suite }];
  }
  const updates = all.filter((source) => [`${suite}-updates`, `${suite}-security`].includes(source.suite) && source.signedBy === first.signedBy && source.components.includes('main'));
  return [first, ...updates];
}

/** The sources as a deb822 file. */
export function formatSources(sources: readonly AptSource[]): string {
  return sources
    .map(({ uri, suite, components, signedBy, options }) =>
      [
        'Types: deb', `URIs: ${uri}`, `Suites: ${suite}`, `Components: ${components.join(' ')}`,
        ...(signedBy === undefined ? [] : [`Signed-By: ${signedBy}`]),
        ...Object.entries(options).map(([name, value]) => `${name}: ${value}`),
      ].join('\n'))
    .join('\n\n')
    .concat('\n');
}

/** An address without the name and password that it may carry. */
export function withoutCredentials(text: string): string {
  return text.replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^/\s@]+@/gi, '$1');
}
