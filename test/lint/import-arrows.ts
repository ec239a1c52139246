/*
 * The arrows of the repository: who may import whom. A package or folder imports only what stands to its right here;
 * nothing that is missing here may import anything of ours.
 */
import { join, normalize } from 'node:path/posix';
import type { SourceFile } from './source-files.js';

const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'warden-protocol': [],
  'warden-client': ['warden-protocol'],
  'warden-cli': ['warden-client', 'warden-protocol'],
  'warden-server': ['warden-protocol'],
};

/** Folders of packages/server/src. main.ts, the composition root, and what it composes machines with may import all of them. */
const SERVER_FOLDERS: Readonly<Record<string, readonly string[]>> = {
  machine: ['config', 'server', 'container', 'image', 'pool', 'host', 'host/linux', 'host/insecure', 'lib'],
  config: ['lib'],
  server: ['container', 'image', 'lib'],
  image: ['host', 'lib'],
  container: ['pool', 'host', 'lib'],
  pool: ['lib'],
  host: ['lib'],
  'host/linux': ['host', 'lib'],
  // What of Linux needs no rights is used from there.
  'host/insecure': ['host', 'host/linux', 'lib'],
  resolver: ['lib'],
  registry: ['lib'],
  lib: [],
};

/** What a folder of the server must not use of Node, because it goes through host/ (or does nothing of the kind). */
const FORBIDDEN_MODULES = /^(?:node:)?(?:fs|fs\/promises|net|child_process|dgram|http|worker_threads)$/;
const PURE_FOLDERS = new Set(['container', 'pool']);

export interface Import {
  readonly specifier: string;
  /** Nothing of it is left at run time. */
  readonly typeOnly: boolean;
}

export function importsOf(text: string): Import[] {
  const found: Import[] = [];
  for (const match of text.matchAll(/^\s*(?:import|export)\b([^'";]*?)\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm)) {
    const specifier = match[2] ?? match[3] ?? match[4];
    if (specifier !== undefined) found.push({ specifier, typeOnly: /^\s*type\b/.test(match[1] ?? '') });
  }
  return found;
}

/** The folder of packages/server/src that a path below it belongs to; '' for files at the top. */
function serverFolder(path: string): string {
  const parts = path.split('/');
  if (parts.length === 1) return '';
  const two = parts.slice(0, 2).join('/');
  return parts.length > 2 && two in SERVER_FOLDERS ? two : (parts[0] ?? '');
}

function checkServerImport(path: string, { specifier, typeOnly }: Import): string | undefined {
  const from = serverFolder(path);
  const isTest = path.endsWith('.test.ts');
  if (!specifier.startsWith('.')) {
    return PURE_FOLDERS.has(from) && !isTest && FORBIDDEN_MODULES.test(specifier) ? `${from}/ must not use ${specifier}; it asks host/` : undefined;
  }
  const target = normalize(join(path, '..', specifier));
  if (target.startsWith('..')) return `${specifier} leaves the package`;
  const to = serverFolder(target);
  if (from === '' || from === to) return undefined;
  if (to === '') return `${specifier} points back up`;
  // What the configuration looks like may be known everywhere; where it comes from is main.ts's business.
  if (to === 'config' && typeOnly) return undefined;
  return SERVER_FOLDERS[from]?.includes(to) === true ? undefined : `${from}/ must not import ${to}/ (${specifier})`;
}

/** The rule: what is wrong with the imports of one TypeScript file. */
export function importArrows({ path, text }: SourceFile): string[] {
  const match = /^packages\/([a-z]+)\/src\/(.+)$/.exec(path);
  if (match === null) return [];
  const [, folder = '', inside = ''] = match;
  const name = `warden-${folder}`;
  return importsOf(text).flatMap((found) => {
    const { specifier } = found;
    const imported = /^(warden-[a-z]+)(?:\/|$)/.exec(specifier)?.[1];
    if (imported !== undefined) return PACKAGES[name]?.includes(imported) === true ? [] : [`${name} must not import ${imported}`];
    if (name === 'warden-server') return checkServerImport(inside, found) ?? [];
    return specifier.startsWith('.') && normalize(join(inside, '..', specifier)).startsWith('..') ? [`${specifier} leaves the package`] : [];
  });
}

/** Only main.ts and machine/ name real adapters; index.ts is what other packages' tests import. */
export function adaptersOnlyInMain({ path, text }: SourceFile): string[] {
  const inside = /^packages\/server\/src\/(.+)$/.exec(path)?.[1];
  if (inside === undefined || inside === 'main.ts' || /^machine\//.test(inside) || /^host\/(?:linux|insecure)\//.test(inside)) return [];
  return importsOf(text).map(({ specifier }) => specifier).filter((specifier) => /(?:^|\/)host\/(?:linux|insecure)\//.test(specifier)).map((specifier) => `only machine/ names adapters (${specifier})`);
}
