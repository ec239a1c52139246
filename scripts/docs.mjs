/** `npm run docs`: writes docs/api, the reference of what warden-client exports, from its built declarations. A test says when that is due. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderReference } from './docs/reference.mjs';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const directory = join(root, 'docs/api');

const pages = await renderReference(root);
mkdirSync(directory, { recursive: true });
for (const name of readdirSync(directory)) if (!pages.has(name)) rmSync(join(directory, name));
for (const [name, text] of pages) writeFileSync(join(directory, name), text);
process.stdout.write(`${directory}: ${[...pages.keys()].join(' ')}\n`);
