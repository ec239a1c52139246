/**
 * Chains for containers' rules of net_out, one for each address, which the map net_out leads to. A chain and its element outlive the container: emptied, they serve whoever has the address next.
 * For an element that leads to a chain the kernel goes through the rules of all containers, so they are made for many addresses at a time, before anybody needs them; a rule alone it just
 * adds (net-out-expressions.ts).
 */
import { formatIpv4Address, ipv4Bytes, type Ipv4Address, type Ipv4Range } from '../../lib/ipv4.js';
import type { FirewallChain, FirewallElement, FirewallRule, LinkDescription } from '../container-description.js';
import type { NetOutChange } from '../host.js';
import type { NetOutRule } from '../net-out-rule.js';
import { netOutExpressions, netOutNote, type Guards } from './net-out-expressions.js';

/** Addresses behind one with rules that get chains, and how near the end of them more are made. Some ten microseconds each, in which the launcher does nothing else. */
const aheadCount = 32;
const aheadAtLeast = 8;

export class NetOutChains {
  /** All of a container's rules are given again when the tables are loaded. */
  readonly #known = new WeakMap<NetOutRule, FirewallRule>();
  /** Addresses whose chain and element are there for certain. */
  readonly #made = new Set<Ipv4Address>();
  #isMakingAhead = false;

  constructor(
    private readonly table: string,
    private readonly pool: Ipv4Range,
    private readonly guards: Guards,
  ) {}

  /** The tables are replaced. */
  forget(): void {
    this.#made.clear();
  }

  /** These rules in place of those that are there. */
  replaced(address: Ipv4Address, rules: readonly NetOutRule[]): NetOutChange {
    // An element that is there already costs as much as a new one; without rules it may as well be missing.
    return this.#change([address], rules.length === 0 ? [] : [address], [this.#chain('ensure', address, rules)]);
  }

  /** One rule behind those that are there. */
  added(address: Ipv4Address, rule: NetOutRule): NetOutChange {
    return this.#change([address], this.#made.has(address) ? [] : [address], [this.#chain('add', address, [rule])]);
  }

  removed(address: Ipv4Address, rule: NetOutRule): FirewallChain[] {
    return [{ ...this.#chain('add', address, []), gone: [netOutNote(rule)] }];
  }

  /** Chains for containers to come, which have the addresses behind this one; undefined: there are some still. */
  ahead(link: Pick<LinkDescription, 'containerAddress' | 'prefix'>): NetOutChange | undefined {
    if (this.#isMakingAhead || this.#lackingBehind(link, aheadAtLeast).length === 0) return undefined;
    const addresses = this.#lackingBehind(link, aheadCount);
    const change = this.#change(addresses, addresses, addresses.map((each) => this.#chain('add', each, [])));
    this.#isMakingAhead = true;
    return {
      ...change,
      ended: (isMade) => {
        this.#isMakingAhead = false;
        change.ended(isMade);
      },
    };
  }

  #lackingBehind({ containerAddress, prefix }: Pick<LinkDescription, 'containerAddress' | 'prefix'>, count: number): Ipv4Address[] {
    const stride = 2 ** (32 - prefix);
    return Array.from({ length: count }, (_, index) => containerAddress + (index + 1) * stride).filter((each) => each >= this.pool.first && each <= this.pool.last && !this.#made.has(each));
  }

  #change(addresses: readonly Ipv4Address[], ledTo: readonly Ipv4Address[], chains: FirewallChain[]): NetOutChange {
    return {
      elements: ledTo.map((address) => this.#element(address)),
      chains,
      ended: (isMade) => {
        if (!isMade) for (const address of addresses) this.#made.delete(address);
        else for (const address of ledTo) this.#made.add(address);
      },
    };
  }

  #element(address: Ipv4Address): FirewallElement {
    return { operation: 'ensure', family: 'inet', table: this.table, set: 'net_out', key: ipv4Bytes(address), jump: chainOf(address) };
  }

  #chain(operation: FirewallChain['operation'], address: Ipv4Address, rules: readonly NetOutRule[]): FirewallChain {
    return { operation, family: 'inet', table: this.table, name: chainOf(address), rules: rules.map((rule) => this.#inKernel(rule)) };
  }

  #inKernel(rule: NetOutRule): FirewallRule {
    const known = this.#known.get(rule);
    if (known !== undefined) return known;
    const made = { expressions: netOutExpressions(rule, this.guards), note: netOutNote(rule) };
    this.#known.set(rule, made);
    return made;
  }
}

function chainOf(address: Ipv4Address): string {
  return `out-${formatIpv4Address(address)}`;
}
