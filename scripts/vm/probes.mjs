/** The C programs that tests put into root file systems (test/harness/programs.ts): compiled here, because the test machine has no compiler. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** @param {string} text of a test, source or built @returns {string[]} names in its `probes: ['…', '…']` */
export function probesOf(text) {
  return [...text.matchAll(/\bprobes: \[([^\]]*)\]/g)].flatMap(([, list = '']) => [...list.matchAll(/['"]([\w-]+)['"]/g)].map(([, name = '']) => name));
}

/**
 * @param {string} root the checkout, built
 * @param {readonly string[]} files built tests, relative to it
 */
export async function compileProbes(root, files) {
  const names = new Set(files.flatMap((file) => probesOf(readFileSync(join(root, file), 'utf8'))));
  if (names.size === 0) return;
  const { compileProbe } = /** @type {{ compileProbe(name: string, directory: string): Promise<string> }} */ (await import(pathToFileURL(join(root, 'test/dist/harness/programs.js')).href));
  for (const name of names) await compileProbe(name, join(root, 'test/dist/probes'));
}
