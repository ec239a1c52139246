/*
 * The examples of a document as programs: every block of TypeScript in it, compiled as a strict consumer of the packages
 * would compile it, their declarations checked too.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { repository } from './paths.js';
import { mustRun } from './run-program.js';

export interface Example {
  /** The heading it stands under. */
  readonly title: string;
  readonly source: string;
}

/** The blocks of TypeScript of a document. */
export function examplesOf(document: string): Example[] {
  const text = readFileSync(join(repository, document), 'utf8');
  let heading = '';
  return [...text.matchAll(/^#+ (.+)$|^```ts\n([^]*?)^```$/gm)].flatMap(([, title, source]) => {
    heading = title ?? heading;
    return source === undefined ? [] : [{ title: heading, source }];
  });
}

const STRICT = {
  strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, noPropertyAccessFromIndexSignature: true, noImplicitOverride: true, noUnusedLocals: true,
  verbatimModuleSyntax: true, isolatedModules: true, skipLibCheck: false, target: 'ES2022', lib: ['ES2023', 'ESNext.Disposable'], types: ['node'],
};

/** Programs that were compiled; dispose of them. */
export interface CompiledExamples extends Disposable {
  readonly files: readonly string[];
}

/** Compiles them all at once, below test/dist, where they find the packages as any other program of the workspace does. */
export async function compileExamples(examples: readonly Example[], moduleKind: { module: string; moduleResolution: string } = { module: 'NodeNext', moduleResolution: 'NodeNext' }): Promise<CompiledExamples> {
  const parent = join(repository, 'test/dist');
  const directory = mkdtempSync(join(parent, 'examples-'));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  try {
    const names = examples.map((_, index) => `example-${index + 1}`);
    for (const [index, name] of names.entries()) writeFileSync(join(directory, `${name}.ts`), examples[index]?.source ?? '');
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions: { ...STRICT, ...moduleKind }, include: ['*.ts'] }));
    const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
    await mustRun(process.execPath, [compiler, '-p', directory], { timeoutMs: 60_000 });
    return { files: names.map((name) => join(directory, `${name}.js`)), [Symbol.dispose]: remove };
  } catch (error) {
    remove();
    throw error;
  }
}
