/** Resource limits that the configuration and requests can name: those of setrlimit(2), in lower case and without RLIMIT_. */
export const rlimitNames = [
  'as', 'core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nice', 'nofile', 'nproc', 'rss', 'rtprio', 'sigpending', 'stack',
] as const;

export type RlimitName = (typeof rlimitNames)[number];
