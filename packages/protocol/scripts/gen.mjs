// Generates src/gen (or the directory given) from proto/*.proto with protoc and two plugins. Part of the source is the
// result: protoc is needed only by those who change a .proto file.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const proto = join(here, '../proto');
const out = process.argv[2] ?? join(here, '../src/gen');
const es = join(dirname(createRequire(import.meta.url).resolve('@bufbuild/protoc-gen-es/package.json')), 'bin/protoc-gen-es');
mkdirSync(out, { recursive: true });
execFileSync('protoc', [
  `--plugin=protoc-gen-es=${es}`, `--es_out=${out}`, '--es_opt=target=ts,import_extension=js',
  `--plugin=protoc-gen-plain=${join(here, 'protoc-gen-plain.mjs')}`, `--plain_out=${out}`, '--plain_opt=target=ts,import_extension=js',
  `-I${proto}`, ...readdirSync(proto).filter((name) => name.endsWith('.proto')).sort(),
], { cwd: proto, stdio: 'inherit' });
