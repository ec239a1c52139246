/* What our table holds: elements of its sets and maps, by set, its chains, and the rules of containers. */
import { here, runProgram } from './run-program.js';
import type { Place } from './run-program.js';

interface Listing { nftables: { set?: SetListing; map?: SetListing; chain?: { name: string }; rule?: { chain: string; comment?: string } }[] }
interface SetListing { name: string; elem?: unknown[]; type?: unknown }

const FAMILIES = ['inet', 'arp'];
/** The kernel's own counts, by address: they stay as long as the table, or for a minute. */
const COUNTS = ['connections', 'connection_rates', 'asking'];

/** A chain for containers' rules, and the map that leads there: empty ones are for whoever has the address next. */
const FOR_RULES = { chain: /^out-/, map: 'net_out' };

/** Elements as text, `family set: element`, chains, `family chain NAME`, and containers' rules, `family rule in NAME: comment`. A table that does not exist has none. */
export async function tableElements(table: string, place: Place = here): Promise<string[]> {
  const elements: string[] = [];
  for (const family of FAMILIES) {
    const { status, stdout } = await runProgram('nft', ['-j', 'list', 'table', family, table], { place });
    if (status !== 0) continue;
    for (const object of (JSON.parse(stdout) as Listing).nftables) {
      const set = object.set ?? object.map;
      if (object.rule !== undefined && FOR_RULES.chain.test(object.rule.chain)) elements.push(`${family} rule in ${object.rule.chain}: ${object.rule.comment}`);
      if (object.chain !== undefined && !FOR_RULES.chain.test(object.chain.name)) elements.push(`${family} chain ${object.chain.name}`);
      if ([...COUNTS, FOR_RULES.map].includes(set?.name ?? '')) continue;
      elements.push(...(set?.elem ?? []).map((element) => `${family} ${set?.name}: ${JSON.stringify(element)}`));
    }
  }
  return elements;
}

export async function deleteTable(table: string): Promise<void> {
  for (const family of FAMILIES) await runProgram('nft', ['delete', 'table', family, table]);
}
