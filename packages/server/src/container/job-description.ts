/** From a spawn or run request to the complete description of a job. Pure. */
import type { RlimitName } from '../lib/rlimit-names.js';
import type { ContainerImage } from '../host/image.js';
import type { JobDescription } from '../host/monitor.js';
import { commandOfArguments, commandOfScript } from './command-text.js';
import { checkJobOptions, hasOpenInput, timeoutOf, type JobRequest } from './job-options.js';
import { checkLogTag, logOf } from './log-tag.js';
import { rlimitsOf } from './rlimits.js';
import { rootUser, vcapUser, type JobUser } from './users.js';

export interface JobDefaults {
  readonly jobId: number;
  /** uid and gid of vcap. */
  readonly vcap: number;
  /** What the container is made of. */
  readonly image?: ContainerImage | undefined;
  readonly lang: string;
  /** Asked only for a job with a log_tag. */
  readonly timeZone: () => string;
  readonly rlimits: ReadonlyMap<RlimitName, number>;
  /** Asked only for a job that is to have core dumps. */
  readonly refuseCoreDumps: () => boolean;
  readonly outputLimitInBytes: number;
}

const bash = '/bin/bash';
/** One array for all: what is the same is written once (host/linux/job-messages.ts). */
const bashAlone: readonly string[] = [bash];
const defaultTerm = 'xterm';

/** @throws WardenError invalid_argument */
export function checkJobRequest(request: JobRequest): void {
  checkLogTag(request.logTag);
  checkJobOptions(request);
}

/** @param request one that checkJobRequest accepts */
export function describeJob(asked: JobRequest, { jobId, vcap, image, lang, timeZone, rlimits, refuseCoreDumps, outputLimitInBytes }: JobDefaults): JobDescription {
  const user = asked.privileged === true ? rootUser(lang) : vcapUser(vcap, lang);
  const request = image === undefined ? asked : withImage(asked, image);
  return {
    jobId,
    ...programOf(request),
    environment: environmentOf(request, user),
    workingDirectory: request.cwd ?? (request.user === undefined ? user.home : undefined),
    // One that its user may not enter is no reason to fail when only the image asked for it.
    requireDirectory: asked.cwd !== undefined,
    userName: request.user,
    uid: user.id,
    gid: user.id,
    privileged: user.privileged,
    rlimits: rlimitsOf(rlimits, request.rlimits, refuseCoreDumps),
    outputLimitInBytes: BigInt(outputLimitInBytes),
    discard: request.discardOutput ?? false,
    openInput: hasOpenInput(request),
    terminal: request.tty === undefined ? undefined : { rows: request.tty.rows, columns: request.tty.columns },
    timeoutMs: timeoutOf(request),
    log: logOf(request.logTag, timeZone),
  };
}

/** A job that names its program is one of the image: what the request leaves open, the image says. A script is the server's own. */
function withImage(request: JobRequest, { environment, user, workingDirectory }: ContainerImage): JobRequest {
  if ((request.args ?? []).length === 0) return request;
  return {
    ...request,
    env: [...environment, ...(request.env ?? [])],
    user: request.user ?? (request.privileged === true ? undefined : user),
    cwd: request.cwd ?? workingDirectory,
  };
}

/** An argument vector; or bash with the script on its standard input, or as its argument when that is the job's own. */
function programOf(request: JobRequest): Pick<JobDescription, 'argv' | 'script' | 'command'> {
  const { args = [], script } = request;
  if (args.length > 0) return { argv: args, script: undefined, command: commandOfArguments(args) };
  if (!hasOpenInput(request)) return { argv: bashAlone, script: Buffer.from(script, 'utf8'), command: commandOfScript(script) };
  // Without a script bash reads its commands from what the job is given.
  if (script === '') return { argv: bashAlone, script: undefined, command: bash };
  return { argv: [bash, '-c', '--', script], script: undefined, command: commandOfScript(script) };
}

/** Each variable once: what the request says wins. HOME and USER of a user by name are known in the container alone. */
function environmentOf({ env = [], tty, user }: JobRequest, { environment }: JobUser): readonly string[] {
  if (env.length === 0 && tty === undefined && user === undefined) return environment;
  const own = user === undefined ? environment : environment.filter((variable) => !/^(?:HOME|USER)=/.test(variable));
  const term = tty === undefined ? [] : [`TERM=${tty.term ?? defaultTerm}`];
  const byName = new Map([...own, ...term, ...env].map((variable) => [variable.slice(0, variable.indexOf('=')), variable]));
  return [...byName.values()];
}
