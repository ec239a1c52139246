/**
 * net_out: what a container may reach beyond what all may. Its rules stand in a chain of its own: one more is put behind them, one is taken out of it;
 * whatever else changes replaces them all. A rule is recorded before the kernel has it and taken from the record after the kernel has lost it, so that never more is
 * open than is recorded. Connections that are open stay open when their rule goes.
 */
import { WardenError } from 'warden-protocol';
import { againWhenGone } from '../host/ask-again.js';
import type { Host, NetOutChange } from '../host/host.js';
import { LauncherGone } from '../host/launcher.js';
import type { NetOutRule } from '../host/net-out-rule.js';
import type { Container } from './container.js';
import type { Containers } from './containers.js';
import { namePolicyOf } from './name-policy.js';
import { checkNetOut, netOutFieldsOf, type NetOutFields } from './net-out-rule.js';
import { recordState } from './snapshot.js';

/** Of one container: each packet that opens a connection is compared with one after the other. */
export const netOutLimit = 1000;

/** Rules that one message to the launcher restores, and chains; it takes 8192 and 1024. */
const restoredRules = 4000;
const restoredChains = 500;

/**
 * One that is there already is not added again.
 * @throws WardenError invalid_argument, wrong_state, exhausted; what the kernel says, and then the rules are what they were
 */
export async function addNetOut(containers: Containers, container: Container, fields: NetOutFields): Promise<void> {
  const rule = checkNetOut(fields);
  await change(containers, container, async (before) => {
    if (placeOf(before, rule) >= 0) return;
    if (before.length >= netOutLimit) throw new WardenError('exhausted', `a container can have ${netOutLimit} rules of net_out: remove one, or give networks and port ranges instead of single ones`);
    try {
      if (isInChain(rule)) await applyOne(containers, container, rule);
      else {
        container.netOut = [...before, rule];
        recordState(containers, container);
      }
      if (concernsNames(container, rule)) await followNames(containers, container);
    } catch (error) {
      await goBack(containers, container, before);
      throw error;
    }
  });
  void makeAhead(containers, container);
}

/** @throws WardenError invalid_argument, wrong_state; not_found: there is no such rule; what the kernel says, and then the rules are what they were */
export async function removeNetOut(containers: Containers, container: Container, fields: NetOutFields): Promise<void> {
  const rule = checkNetOut(fields);
  await change(containers, container, async (before) => {
    const place = placeOf(before, rule);
    if (place < 0) throw new WardenError('not_found', `no such rule: ${rule.text}; info lists those that there are`);
    container.netOut = before.toSpliced(place, 1);
    try {
      if (concernsNames(container, rule)) await followNames(containers, container);
      if (isInChain(rule)) await removeOne(containers, container, rule);
      recordState(containers, container);
    } catch (error) {
      await goBack(containers, container, before);
      throw error;
    }
  });
}

/** net_out of info. */
export function netOutOf({ netOut }: Container): NetOutFields[] {
  return netOut.map(netOutFieldsOf);
}

/** After the tables were loaded, for FirewallUpkeep.afterLoad(): chains of containers with rules. Until then, and when this fails, a container reaches less, never more. */
export async function restoreNetOut(containers: Containers): Promise<void> {
  const left = containers.all().filter(({ netOut }) => netOut.some(isInChain));
  while (left.length > 0) {
    const batch: Container[] = [];
    for (let rules = 0; left.length > 0 && batch.length < restoredChains && rules < restoredRules; ) {
      const container = left.shift();
      if (container === undefined) break;
      rules += container.netOut.length;
      batch.push(container);
    }
    try {
      await applyAll(containers, batch);
    } catch (error) {
      containers.log.error({ containers: batch.map(({ handle }) => handle), err: error }, 'rules of net_out could not be put back: these containers reach only what all may');
    }
  }
}

async function change(containers: Containers, container: Container, work: (before: readonly NetOutRule[]) => Promise<void>): Promise<void> {
  container.requireState('active', 'stopped');
  await containers.changes.run(container.id, async () => {
    container.requireState('active', 'stopped');
    await work(container.netOut);
  });
}

/** What a name stands for is opened when it is asked for (names.ts). */
function isInChain({ domain }: NetOutRule): boolean {
  return domain === undefined;
}

function placeOf(rules: readonly NetOutRule[], rule: NetOutRule): number {
  return rules.findIndex(({ text }) => text === rule.text);
}

/**
 * Records a rule and gives it to the kernel behind the others. No load of the tables comes in between, which would give it a first time. When the launcher
 * died, or the tables had to be loaded, the kernel may have it already: then all are given.
 */
async function applyOne(containers: Containers, container: Container, rule: NetOutRule): Promise<void> {
  const { host, firewall } = containers;
  let isRecorded = false;
  try {
    await firewall.change(() => {
      if (isRecorded) return applyAll(containers, [container]);
      container.netOut = [...container.netOut, rule];
      recordState(containers, container);
      isRecorded = true;
      container.hasNetOutChain = true;
      return ask(host, [host.firewall.netOutAdded(container.link, rule)]);
    });
  } catch (error) {
    if (!(error instanceof LauncherGone)) throw error;
    await apply(containers, container);
  }
}

/** For the last one the chain is emptied, without asking which it is. When the kernel does not have this one, the tables are loaded, and it does not come back. */
async function removeOne(containers: Containers, container: Container, rule: NetOutRule): Promise<void> {
  const { host, firewall } = containers;
  if (!container.netOut.some(isInChain)) return apply(containers, container);
  let isFirst = true;
  try {
    await firewall.change(() => {
      if (!isFirst) return applyAll(containers, [container]);
      isFirst = false;
      return host.launcher.changeFirewall([], host.firewall.netOutRemoved(container.link, rule));
    });
  } catch (error) {
    if (!(error instanceof LauncherGone)) throw error;
    await apply(containers, container);
  }
}

/** The resolver has to do with domain rules, and with who may ask the forwarder. */
function concernsNames({ usesForwarder }: Container, rule: NetOutRule): boolean {
  return usesForwarder || !isInChain(rule);
}

/** Costs nothing for a container that has nothing to do with the resolver, before and after. */
async function followNames({ names, configuration }: Containers, container: Container): Promise<void> {
  await names.change(container.link.containerAddress, namePolicyOf(configuration.network, container));
}

async function apply(containers: Containers, container: Container): Promise<void> {
  await containers.firewall.change(() => applyAll(containers, [container]));
  if (!container.netOut.some(isInChain)) container.hasNetOutChain = false;
}

function applyAll({ host }: Containers, batch: readonly Container[]): Promise<void> {
  for (const container of batch) container.hasNetOutChain = true;
  // What is in force when the launcher is asked, not what was: the tables may have been loaded anew in between.
  return againWhenGone(() => ask(host, batch.map(({ link, netOut }) => host.firewall.netOutOf(link, netOut.filter(isInChain)))));
}

async function ask({ launcher }: Pick<Host, 'launcher'>, changes: readonly NetOutChange[]): Promise<void> {
  let isMade = false;
  try {
    await launcher.changeFirewall(changes.flatMap(({ elements }) => elements), changes.flatMap(({ chains }) => chains));
    isMade = true;
  } finally {
    for (const { ended } of changes) ended(isMade);
  }
}

/** For the first rules of containers to come. Nobody waits for it, and without it they take longer. */
async function makeAhead({ host, firewall, log }: Containers, { link }: Container): Promise<void> {
  try {
    await firewall.change(async () => {
      const ahead = host.firewall.netOutAhead(link);
      if (ahead !== undefined) await ask(host, [ahead]);
    });
  } catch (error) {
    log.debug({ err: error }, 'chains for rules of net_out could not be made in advance');
  }
}

/** The kernel may have the change; what is recorded is what the container gets at the next start. */
async function goBack(containers: Containers, container: Container, before: readonly NetOutRule[]): Promise<void> {
  container.netOut = before;
  try {
    await apply(containers, container);
    await followNames(containers, container);
  } catch (error) {
    containers.log.error({ container: container.id, handle: container.handle, err: error }, 'a change of net_out that failed could not be undone');
  }
  try {
    recordState(containers, container);
  } catch (error) {
    containers.log.error({ container: container.id, handle: container.handle, err: error }, 'the rules of net_out could not be recorded as they are; the next start may have one that was refused');
  }
}
