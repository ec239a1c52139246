/** The API reference of a built checkout. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readDeclarations } from './declarations.mjs';
import { renderPages } from './pages.mjs';

/** @typedef {import('./declarations.mjs').Declaration} Declaration */

/** Entry points of the package, without what their names end with. */
const ENTRIES = ['packages/client/dist/index', 'packages/client/dist/testing/index'];

/**
 * What a program can use: not those functions and values of the protocol of which only the type is passed on.
 * @param {string} root the checkout
 * @returns {Promise<Declaration[]>}
 */
export async function readReference(root) {
  const found = [];
  for (const entry of ENTRIES) {
    const values = /** @type {object} */ (await import(pathToFileURL(join(root, `${entry}.js`)).href));
    const isType = (/** @type {Declaration} */ { kind, source }) => kind === 'interface' || kind === 'type' || kind === 'enum' || (kind === 'class' && source.startsWith('packages/client/'));
    found.push(...readDeclarations(root, `${entry}.d.ts`).filter((declaration) => isType(declaration) || declaration.name in values));
  }
  return found;
}

/**
 * @param {string} root the checkout
 * @returns {Promise<Map<string, string>>} the text of each file in docs/api
 */
export async function renderReference(root) {
  return renderPages(await readReference(root));
}

/**
 * What has no docstring although people wrote it: classes, functions, and methods.
 * @param {readonly Declaration[]} declarations
 * @returns {string[]}
 */
export function undocumented(declarations) {
  return declarations.flatMap(({ name, kind, text, members }) => [
    ...(text === '' && (kind === 'class' || kind === 'function') ? [name] : []),
    ...members.filter((member) => member.text === '' && /^(?:static |get |set )?(?!constructor)\w+[(<]/.test(member.signature)).map(({ signature }) => `${name}.${signature}`),
  ]);
}
