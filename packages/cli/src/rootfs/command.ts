/* `warden rootfs build …`: a command that needs no daemon. */
import { jsonText } from '../json-text.js';
import { takeOutput } from '../output-option.js';
import { printable } from '../print.js';
import { Progress, type ProgressOutput } from '../progress.js';
import { buildRootfs, thisMachine, type BuildMachine } from './build.js';
import { parseBuildOptions, RootfsError, USAGE } from './options.js';

export interface RootfsOutput {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: ProgressOutput;
}

/**
 * @param args what follows `rootfs` on the command line
 * @returns the exit status: 0, 1 when the build failed, 2 for a wrong command line, 130 after Ctrl-C
 */
export async function runRootfsCommand(args: readonly string[], { stdout, stderr }: RootfsOutput, machine: BuildMachine = thisMachine()): Promise<number> {
  const [verb, ...rest] = args;
  if (args.includes('--help') || verb === 'help') {
    stdout.write(USAGE);
    return 0;
  }
  const progress = new Progress(stderr);
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort();
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    if (verb !== 'build') throw new RootfsError(`${verb === undefined ? 'what about root file systems?' : `unknown command: rootfs ${verb}`}\n${USAGE}`, 2);
    const { words, json } = takeOutput(rest);
    const options = parseBuildOptions(words);
    const started = performance.now();
    const tool = await buildRootfs(options, machine, { show: (done, what) => progress.show(done, what), signal: interrupt.signal });
    progress.clear();
    const seconds = (performance.now() - started) / 1000;
    if (json) stdout.write(jsonText({ directory: options.directory, tool, seconds: Number(seconds.toFixed(1)) }));
    else stdout.write(`${options.directory} is ready (${tool}, ${seconds.toFixed(1)} s). In the configuration: container_rootfs_path: ${options.directory}\n`);
    return 0;
  } catch (error) {
    progress.clear();
    if (!(error instanceof RootfsError)) throw error;
    stderr.write(`warden rootfs: ${printable(error.message)}\n`);
    return error.exitStatus;
  } finally {
    process.removeListener('SIGINT', onSignal);
    process.removeListener('SIGTERM', onSignal);
  }
}
