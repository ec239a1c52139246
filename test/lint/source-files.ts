/* The repository's own files, for the one-rule linters of this folder: what people wrote, without what is built or generated. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout; the compiled linters lie in test/dist/lint. */
export const repository = fileURLToPath(new URL('../../../', import.meta.url)).replace(/\/$/, '');

export interface SourceFile {
  /** Relative to the checkout. */
  readonly path: string;
  readonly text: string;
}

/** A rule: what is wrong with a file, one sentence each; nothing when it is fine. */
export type Rule = (file: SourceFile) => readonly string[];

const SKIPPED_DIRECTORIES = new Set(['node_modules', 'dist', 'build', '.git', 'coverage']);
const TEXT = /\.(?:ts|mjs|js|c|h|mk|md|yml|yaml|json|proto|py)$|(?:^|\/)(?:Makefile|warden|wardend|run)$/;

/** Written by a program: `packages/protocol/src/gen`, the lock file, recorded vectors and corpora. */
export function isGenerated(path: string): boolean {
  return /(?:^|\/)gen\/|^package-lock\.json$|^test\/golden\/|(?:^|\/)corpus\//.test(path);
}

function* walk(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory() && !SKIPPED_DIRECTORIES.has(entry.name)) yield* walk(path);
    else if (entry.isFile() && TEXT.test(path)) yield path;
  }
}

/** Every text file whose path matches, sorted. */
export function sourceFiles(pattern: RegExp = /./): SourceFile[] {
  return [...walk(repository)]
    .map((path) => ({ path: relative(repository, path), absolute: path }))
    .filter(({ path }) => pattern.test(path))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path, absolute }) => ({ path, text: readFileSync(absolute, 'utf8') }));
}

/** What a rule says about files, as `path: complaint`. */
export function complaints(rule: Rule, files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => rule(file).map((complaint) => `${file.path}: ${complaint}`));
}

/** The lines of a file that match, as `line N: text`. */
export function matchingLines(text: string, pattern: RegExp): string[] {
  return text
    .split('\n')
    .map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => pattern.test(line))
    .map(({ line, number }) => `line ${number}: ${line.trim().slice(0, 120)}`);
}
