/*
 * mmdebstrap and debootstrap: which of the two is there, their command lines, and how far along a line of their output is.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { AptSource } from './apt-sources.js';

export interface BootstrapRequest {
  readonly suite: string;
  readonly sources: readonly AptSource[];
  /** The sources as a file that ends in `.sources`. */
  readonly sourcesFile: string;
  readonly packages: readonly string[];
  /** Where to put the root file system: a directory that does not exist. */
  readonly target: string;
}

export interface BootstrapTool {
  readonly name: string;
  readonly program: string;
  args(request: BootstrapRequest): string[];
  /** How much of the work is done when this line is printed, 0 to 1; undefined: the line says nothing about it. */
  progressOf(line: string): number | undefined;
}

/** Which part of the work has been done when a tool prints this, from the times of a real run. */
type Stages = readonly (readonly [pattern: RegExp, done: number])[];

const MMDEBSTRAP_STAGES: Stages = [
  [/running apt-get update/, 0.02], [/downloading packages/, 0.1], [/extracting archives/, 0.3], [/installing essential/, 0.45],
  [/installing remaining/, 0.6], [/cleaning/, 0.95], [/success in/, 1],
];
const DEBOOTSTRAP_STAGES: Stages = [
  [/^I: Retrieving/, 0.05], [/^I: Validating/, 0.2], [/^I: Extracting/, 0.35], [/^I: Installing core packages/, 0.45],
  [/^I: Unpacking required/, 0.5], [/^I: Configuring required/, 0.6], [/^I: Unpacking the base/, 0.7], [/^I: Configuring/, 0.85],
  [/Base system installed successfully/, 1],
];

function stageOf(stages: Stages, line: string): number | undefined {
  return stages.find(([pattern]) => pattern.test(line))?.[1];
}

function mmdebstrap(program: string): BootstrapTool {
  return {
    name: 'mmdebstrap',
    program,
    args: ({ suite, sourcesFile, packages, target }) => ['--mode=root', '--variant=minbase', '--format=directory', `--include=${packages.join(',')}`, suite, target, sourcesFile],
    progressOf: (line) => stageOf(MMDEBSTRAP_STAGES, line),
  };
}

function debootstrap(program: string): BootstrapTool {
  return {
    name: 'debootstrap',
    program,
    args: ({ suite, sources, packages, target }) => {
      const [first] = sources;
      const keyring = first?.signedBy?.startsWith('/') === true ? [`--keyring=${first.signedBy.split(/[\s,]/)[0] ?? ''}`] : [];
      return ['--variant=minbase', ...keyring, `--components=${first?.components.join(',') ?? 'main'}`, `--include=${packages.join(',')}`, suite, target, first?.uri ?? ''];
    },
    progressOf: (line) => stageOf(DEBOOTSTRAP_STAGES, line),
  };
}

function findProgram(name: string, path: string): string | undefined {
  return path
    .split(delimiter)
    .filter((directory) => directory.startsWith('/'))
    .map((directory) => join(directory, name))
    .find((candidate) => {
      try {
        accessSync(candidate, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** The better of the tools that are installed. */
export function findBootstrapTool(path: string): BootstrapTool | undefined {
  const better = findProgram('mmdebstrap', path);
  if (better !== undefined) return mmdebstrap(better);
  const other = findProgram('debootstrap', path);
  return other === undefined ? undefined : debootstrap(other);
}
