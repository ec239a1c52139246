/*
 * A CI job: runs the steps of a project in a box, one after the other, and brings its results home.
 *
 *   node examples/dist/ci-job.js PROJECT RESULTS
 *
 * PROJECT is a directory with ci.json (Job below); it is copied into the box, and nothing of it is changed. RESULTS is
 * where the artifacts go. The exit status is that of the step that failed, or 0. What ci.json wants of the server, a root file
 * system and what the steps may reach, is believed: strangers' projects should have no say in that.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { argv, exit, stderr, stdout } from 'node:process';
import { Warden, type Box } from 'warden-client';

interface Step {
  readonly name: string;
  readonly script: string;
  readonly timeoutSeconds?: number;
}

interface Job {
  /** A directory of the server's machine, or `image:NAME`; the server's own root file system unless given. */
  readonly rootfs?: string;
  /** What the steps may reach, such as the mirror of a package registry: nothing unless given. */
  readonly allow?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
  /** Files and directories of the project that its steps make. */
  readonly artifacts?: readonly string[];
}

const LIMITS = { memoryBytes: 1024 ** 3, processors: 2, diskBytes: 2 * 1024 ** 3 };
const STEP_SECONDS = 600;
/** Of the whole job, whatever becomes of this program. */
const LONGEST_SECONDS = 3600;

/** Where the project is in the box. */
const WORK = '/home/vcap/project';

/** Its output goes on as it comes, both streams where they belong. */
async function runStep(box: Box, { name, script, timeoutSeconds = STEP_SECONDS }: Step, env: Job['env']): Promise<number> {
  stderr.write(`── ${name}\n`);
  const job = await box.spawn(['bash', '-euo', 'pipefail', '-c', script], { cwd: WORK, env, timeoutMs: timeoutSeconds * 1000 });
  for await (const { stream, data } of job.output()) (stream === 'stdout' ? stdout : stderr).write(data);
  const { exitStatus, timedOut } = await job.exit;
  if (exitStatus !== 0) stderr.write(`── ${name}: ${timedOut === true ? `not done after ${timeoutSeconds} seconds` : `status ${exitStatus}`}\n`);
  return exitStatus;
}

/** The project calls its artifacts as it likes, but has no say in where they go. */
function placeOf(artifact: string, directory: string): string {
  const name = basename(artifact);
  if (['', '.', '..'].includes(name)) throw new RangeError('that is no name of a file or directory');
  return join(directory, name);
}

const [, , project, results] = argv;
if (project === undefined || results === undefined) {
  stderr.write('usage: ci-job PROJECT RESULTS\n');
  exit(2);
}
const { rootfs, allow = [], env, steps, artifacts = [] } = JSON.parse(await readFile(join(project, 'ci.json'), 'utf8')) as Job;

await using warden = new Warden();
await using box = await warden.create({ rootfs, limits: LIMITS, network: { allow }, labels: { job: basename(resolve(project)) }, ttlSeconds: LONGEST_SECONDS });
await box.files.upload(project, WORK);

let status = 0;
for (const step of steps) {
  status = await runStep(box, step, env);
  if (status !== 0) break;
}

// What there is, also of a job that failed: a report of tests tells why.
await mkdir(results, { recursive: true });
for (const path of artifacts) {
  try {
    await box.files.download(`${WORK}/${path}`, placeOf(path, results));
  } catch (error) {
    stderr.write(`── no artifact ${path}: ${String(error)}\n`);
    status ||= 1;
  }
}
process.exitCode = status;
