/*
 * The probes of test/attack: small C programs, compiled here as static binaries so that they run in any root file
 * system. musl-gcc does not look where the kernel's headers are, so it gets a directory of links to them.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { probeSources } from './paths.js';
import { mustRun } from './run-program.js';

function kernelHeaders(directory: string): string {
  const include = join(directory, 'include');
  mkdirSync(include, { recursive: true });
  const multiarch = readdirSync('/usr/include').map((name) => join('/usr/include', name, 'asm')).find((path) => existsSync(path));
  for (const [name, target] of [['linux', '/usr/include/linux'], ['asm-generic', '/usr/include/asm-generic'], ['asm', multiarch ?? '/usr/include/asm']] as const) {
    try {
      symlinkSync(target, join(include, name));
    } catch {
      // Another test file made it meanwhile.
    }
  }
  return include;
}

/** Compiles `<name>.c` into `directory` unless that is newer than its source, and returns the program's path. */
export async function compileProbe(name: string, directory: string): Promise<string> {
  mkdirSync(directory, { recursive: true });
  const source = join(probeSources, `${name}.c`);
  const program = join(directory, name);
  if (!existsSync(program) || statSync(program).mtimeMs < statSync(source).mtimeMs) {
    await mustRun('musl-gcc', ['-std=gnu17', '-O1', '-Wall', '-Wextra', '-Werror', '-static', '-isystem', kernelHeaders(directory), '-o', `${program}.${process.pid}`, source]);
    renameSync(`${program}.${process.pid}`, program);
  }
  return program;
}
