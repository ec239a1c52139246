/** The users that jobs run as: vcap, and root of the container's user namespace. Pure. */

export interface JobUser {
  readonly name: string;
  /** uid and gid as seen in the container. */
  readonly id: number;
  /** Keeps the privileged capability set. */
  readonly privileged: boolean;
  readonly home: string;
  /** NAME=value; nothing else of the server's environment gets in. */
  readonly environment: readonly string[];
}

export function vcapUser(uid: number, lang: string): JobUser {
  return { name: 'vcap', id: uid, privileged: false, home: '/home/vcap', environment: environmentOf('vcap', '/home/vcap', '/bin:/usr/bin', lang) };
}

export function rootUser(lang: string): JobUser {
  return { name: 'root', id: 0, privileged: true, home: '/root', environment: environmentOf('root', '/root', '/sbin:/bin:/usr/sbin:/usr/bin', lang) };
}

/** By user, for the language asked for last: the server has one. The same array each time, so that what is made of it need not be made again. */
const environments = new Map<string, { readonly lang: string; readonly environment: readonly string[] }>();

function environmentOf(user: string, home: string, path: string, lang: string): readonly string[] {
  const known = environments.get(user);
  if (known?.lang === lang) return known.environment;
  const environment = Object.freeze([`LANG=${lang}`, `HOME=${home}`, `USER=${user}`, `PATH=${path}`]);
  environments.set(user, { lang, environment });
  return environment;
}
