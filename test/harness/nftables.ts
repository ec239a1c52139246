/* What our table holds: elements of its sets and maps, by set. */
import { runProgram } from './run-program.js';

interface Listing { nftables: { set?: SetListing; map?: SetListing }[] }
interface SetListing { name: string; elem?: unknown[]; type?: unknown }

/** Elements as text, `set: element`. A table that does not exist has none. */
export async function tableElements(table: string): Promise<string[]> {
  const { status, stdout } = await runProgram('nft', ['-j', 'list', 'table', 'inet', table]);
  if (status !== 0) return [];
  const listing = JSON.parse(stdout) as Listing;
  return listing.nftables.flatMap((object) => {
    const set = object.set ?? object.map;
    return (set?.elem ?? []).map((element) => `${set?.name}: ${JSON.stringify(element)}`);
  });
}

export async function tableExists(table: string): Promise<boolean> {
  return (await runProgram('nft', ['list', 'table', 'inet', table])).status === 0;
}

export async function deleteTable(table: string): Promise<void> {
  await runProgram('nft', ['delete', 'table', 'inet', table]);
}
