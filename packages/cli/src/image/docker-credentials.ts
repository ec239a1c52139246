// What docker's configuration knows of a registry: user name and password, or an identity token. It is read on the client's side, because it
// belongs to the user there, and sent along with the one request that needs it.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type RegistryAuth, WardenError } from 'warden-protocol';

export type Environment = Readonly<Record<string, string | undefined>>;

interface DockerConfiguration {
  readonly auths?: unknown;
  readonly credHelpers?: unknown;
  readonly credsStore?: unknown;
}

/** A credential helper answers within this. */
const HELPER_DEADLINE_MS = 30_000;
const HELPER_OUTPUT_LIMIT = 64 * 1024;

/** The host of `docker://HOST/…`, or of a reference without the scheme; undefined when it names none. */
export function registryOf(reference: string): string | undefined {
  const [first = '', ...rest] = reference.replace(/^docker:\/\//, '').split('/');
  return rest.length > 0 && (/[.:]/.test(first) || first === 'localhost') ? first : undefined;
}

/**
 * What is known of a registry; undefined: nothing.
 * @throws WardenError when the configuration is there and cannot be read, or a helper fails
 */
export async function dockerCredentials(host: string | undefined, environment: Environment): Promise<RegistryAuth | undefined> {
  if (host === undefined) return undefined;
  const path = join(environment['DOCKER_CONFIG'] || join(environment['HOME'] || homedir(), '.docker'), 'config.json');
  const configuration = readConfiguration(path);
  if (configuration === undefined) return undefined;
  const helper = lookUp(configuration.credHelpers, host) ?? configuration.credsStore;
  const asked = typeof helper === 'string' && helper !== '' ? await askHelper(helper, host, environment) : undefined;
  return asked ?? authOf(lookUp(configuration.auths, host), path, host);
}

function readConfiguration(path: string): DockerConfiguration | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new WardenError('invalid_argument', `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch (error) {
    throw new WardenError('invalid_argument', `${path} is not JSON`, { cause: error });
  }
  throw new WardenError('invalid_argument', `${path} is no JSON object`);
}

/** Older keys are addresses: `https://HOST/v1/`. */
function lookUp(table: unknown, host: string): unknown {
  if (typeof table !== 'object' || table === null) return undefined;
  const found = Object.entries(table).find(([key]) => key === host) ?? Object.entries(table).find(([key]) => key.replace(/^https?:\/\//, '').split('/')[0] === host);
  return found?.[1];
}

function authOf(entry: unknown, path: string, host: string): RegistryAuth | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  const text = (name: string): string | undefined => {
    const value: unknown = (entry as Record<string, unknown>)[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const [identityToken, auth] = [text('identitytoken'), text('auth')];
  if (identityToken !== undefined) return { identityToken };
  if (auth === undefined) return text('username') === undefined ? undefined : { username: text('username'), password: text('password') };
  const decoded = Buffer.from(auth, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon < 1) throw new WardenError('invalid_argument', `${path}: what it has of ${host} is no user name and password`);
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1).replace(/\0+$/, '') };
}

/** The protocol of credential helpers: the host on standard input, `{"Username": …, "Secret": …}` on standard output. */
async function askHelper(name: string, host: string, environment: Environment): Promise<RegistryAuth | undefined> {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) throw new WardenError('invalid_argument', `docker's configuration names a credential helper that cannot be one: ${JSON.stringify(name)}`);
  const program = `docker-credential-${name}`;
  const { status, output } = await run(program, host, environment);
  if (status !== 0) {
    if (/credentials not found/i.test(output)) return undefined;
    throw new WardenError('unavailable', `${program} ended with status ${status}: ${output.trim().slice(0, 200)}`);
  }
  try {
    const { Username: username, Secret: secret } = JSON.parse(output) as { Username?: unknown; Secret?: unknown };
    if (typeof username !== 'string' || typeof secret !== 'string') throw new Error('no Username and Secret');
    return username === '<token>' ? { identityToken: secret } : { username, password: secret };
  } catch (error) {
    throw new WardenError('unavailable', `${program} answered with what are no credentials`, { cause: error });
  }
}

function run(program: string, input: string, environment: Environment): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['get'], { stdio: ['pipe', 'pipe', 'ignore'], env: { ...environment } });
    // Not the option `timeout`: its timer outlives a program that cannot be started, and keeps ours from ending.
    const deadline = setTimeout(() => child.kill(), HELPER_DEADLINE_MS);
    let output = '';
    child.once('error', (error) => {
      clearTimeout(deadline);
      reject(new WardenError('unavailable', `${program}, which docker's configuration names, cannot be run: ${error.message}`, { cause: error }));
    });
    child.stdout.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(0, HELPER_OUTPUT_LIMIT);
    });
    child.once('close', (status) => {
      clearTimeout(deadline);
      resolve({ status, output });
    });
    // A helper that does not read it says so by how it ends.
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${input}\n`);
  });
}


function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
