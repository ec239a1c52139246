/** Protocols in IP by their numbers: IPPROTO_*. */
export const ipProtocols = { icmp: 1, tcp: 6, udp: 17 } as const;
