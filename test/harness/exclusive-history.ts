/* Things that belong to one live container at a time: its handle, its uid, its network. */

/** At some moment between `began` and `ended` the container lived and had the thing. */
export interface Evidence {
  readonly thing: string;
  readonly container: string;
  readonly began: number;
  readonly ended: number;
}

/** Between two pieces of evidence a container lived all the time. */
interface Life { from: number; until: number }

/** Returns what two containers had at the same time. */
export function checkExclusive(evidence: readonly Evidence[]): string[] {
  const lives = new Map<string, Map<string, Life>>();
  for (const { thing, container, began, ended } of evidence) {
    const owners = lives.get(thing) ?? new Map<string, Life>();
    lives.set(thing, owners);
    const life = owners.get(container);
    owners.set(container, life === undefined ? { from: ended, until: began } : { from: Math.min(life.from, ended), until: Math.max(life.until, began) });
  }
  const complaints: string[] = [];
  for (const [thing, owners] of lives) {
    const sorted = [...owners].filter(([, { from, until }]) => from <= until).sort(([, a], [, b]) => a.from - b.from);
    for (const [index, [container, { from }]] of sorted.entries()) {
      const earlier = sorted.slice(0, index).find(([, { until }]) => until > from);
      if (earlier !== undefined) complaints.push(`${thing} belonged to ${earlier[0]} until ${earlier[1].until}, and to ${container} from ${from} on`);
    }
    // One that was seen once only, while another certainly lived.
    for (const [container, { from, until }] of owners) {
      const other = sorted.find(([name, life]) => name !== container && from > until && life.from < until && life.until > from);
      if (other !== undefined) complaints.push(`${thing} belonged to ${other[0]} from ${other[1].from} to ${other[1].until}, and to ${container} between ${until} and ${from}`);
    }
  }
  return complaints;
}
