/**
 * Several sources of settings as one document. Mappings are joined key by key; of everything else the later source's value holds.
 * Pure.
 */

/** Settings of one source, as YAML or something like it told them, unchecked. */
export interface Layer {
  /** What a person calls it: a file's path, `environment variable NAME`, `--set KEY`. */
  readonly origin: string;
  readonly settings: unknown;
}

export interface MergedLayers {
  readonly settings: unknown;
  /** The source of the value at that path, or of what is nearest to it; undefined: no source has anything of it. */
  originOf(path: readonly PropertyKey[]): string | undefined;
}

interface Node {
  readonly origin: string;
  /** The mapping's keys; undefined: a value. */
  readonly children: ReadonlyMap<string, Node> | undefined;
  readonly value: unknown;
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nodeOf(settings: unknown, origin: string): Node {
  if (!isMapping(settings)) return { origin, children: undefined, value: settings };
  return { origin, value: undefined, children: new Map(Object.entries(settings).map(([key, value]) => [key, nodeOf(value, origin)])) };
}

/** A key with nothing below it, null, takes nothing away from a mapping. */
function joined(earlier: Node | undefined, later: Node): Node {
  if (earlier?.children === undefined) return later;
  if (later.children === undefined) return later.value === null || later.value === undefined ? earlier : later;
  const children = new Map(earlier.children);
  for (const [key, node] of later.children) children.set(key, joined(children.get(key), node));
  return { ...later, children };
}

function settingsOf({ children, value }: Node): unknown {
  return children === undefined ? value : Object.fromEntries([...children].map(([key, node]) => [key, settingsOf(node)]));
}

export function mergeLayers(layers: readonly Layer[]): MergedLayers {
  const root = layers.reduce<Node | undefined>((earlier, { origin, settings }) => joined(earlier, nodeOf(settings, origin)), undefined);
  return {
    settings: root === undefined ? undefined : settingsOf(root),
    originOf: (path) => {
      let node = root;
      for (const key of path) {
        const next = node?.children?.get(String(key));
        if (next === undefined) break;
        node = next;
      }
      return node?.origin;
    },
  };
}
