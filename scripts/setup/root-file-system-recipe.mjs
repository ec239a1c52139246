/**
 * What the default root file system consists of. /usr is the host's own, mounted read-only by the daemon; everything
 * else is fresh, with those parts of the host's /etc without which programs in /usr do not run: the loader's cache,
 * the alternatives, certificates, tables of numbers and names. Nothing that the host does not let everybody read is
 * ever copied, and nothing that identifies or opens the host: no shadow, ssh, machine-id, fstab, cron, sudoers, keys.
 *
 * Change RECIPE_VERSION with every change here: a root file system of another version is built again.
 */
export const RECIPE_VERSION = 1;

/** Copied from the host's /etc when there: files and, recursively, directories. `*` stands for one part of a name. */
export const COPIED_FROM_ETC = [
  'alternatives', 'bash.bashrc', 'debian_version', 'ethertypes', 'fonts', 'gai.conf', 'host.conf', 'inputrc', 'iproute2',
  'issue', 'java-*-openjdk', 'ld-musl-*.path', 'ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'locale.alias', 'login.defs',
  'lsb-release', 'magic', 'magic.mime', 'mime.types', 'os-release', 'perl', 'profile', 'protocols', 'python3', 'python3.*', 'rpc', 'services',
  'shells', 'skel', 'ssl/certs', 'ssl/openssl.cnf', 'terminfo', 'timezone',
];

/** Directories with their modes, parents first. Mount points are empty. */
export const DIRECTORIES = /** @type {const} */ ([
  ['dev', 0o755], ['etc', 0o755], ['home', 0o755], ['media', 0o755], ['mnt', 0o755], ['opt', 0o755], ['proc', 0o555],
  ['root', 0o700], ['run', 0o755], ['run/lock', 0o1777], ['srv', 0o755], ['sys', 0o555], ['tmp', 0o1777], ['usr', 0o755],
  ['var', 0o755], ['var/backups', 0o755], ['var/cache', 0o755], ['var/lib', 0o755], ['var/local', 0o2775], ['var/log', 0o755],
  ['var/mail', 0o2775], ['var/opt', 0o755], ['var/spool', 0o755], ['var/tmp', 0o1777], ['etc/profile.d', 0o755], ['etc/opt', 0o755],
  ['etc/ssl', 0o755],
]);

export const LINKS = /** @type {const} */ ([
  ['var/run', '/run'], ['var/lock', '/run/lock'], ['etc/mtab', '/proc/mounts'],
]);

/** Top-level directories that a merged /usr makes links, and an unmerged one directories of their own. */
export const MERGED_DIRECTORIES = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32', 'libo32'];

/** Debian's own first accounts, from the host's base-passwd package, never the host's /etc/passwd. */
export const ACCOUNT_MASTERS = { passwd: '/usr/share/base-passwd/passwd.master', group: '/usr/share/base-passwd/group.master' };

/** For a host without base-passwd. */
export const MINIMAL_ACCOUNTS = {
  passwd: 'root:*:0:0:root:/root:/bin/bash\ndaemon:*:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nnobody:*:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n',
  group: 'root:*:0:\ndaemon:*:1:\ntty:*:5:\nusers:*:100:\nnogroup:*:65534:\n',
};

/** Fresh files of /etc. hosts, hostname, resolv.conf and the line of vcap come from the daemon, for each container. */
export const FRESH_FILES = /** @type {const} */ ([
  ['etc/nsswitch.conf', 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\nprotocols: files\nservices: files\nethers: files\nrpc: files\n'],
  ['etc/environment', ''],
]);
