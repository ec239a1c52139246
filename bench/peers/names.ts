/* The systems that `--peers` knows, in the order of the table. */
export const peerNames = ['runc', 'crun', 'bubblewrap', 'systemd-nspawn', 'lxc', 'containerd', 'podman', 'docker'] as const;
export type PeerName = (typeof peerNames)[number];

/** Of `--peers`: `all`, or names with commas between them. Throws for others. */
export function parsePeers(text: string): ReadonlySet<PeerName> {
  if (text === 'all') return new Set(peerNames);
  const names = text.split(',');
  const unknown = names.find((name) => !isPeer(name));
  if (unknown !== undefined) throw new Error(`--peers: ${unknown || 'nothing'} is none of ${peerNames.join(', ')}`);
  return new Set(names.filter(isPeer));
}

function isPeer(name: string): name is PeerName {
  return (peerNames as readonly string[]).includes(name);
}
