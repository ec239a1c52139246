/** The pages of the API reference: which declaration stands where, and how it looks. Pure. */

/** @typedef {import('./declarations.mjs').Declaration} Declaration */

/**
 * @typedef {object} Page
 * @property {string} file in docs/api
 * @property {string} title
 * @property {string} about
 * @property {RegExp} sources the files whose declarations it has; the first page that matches has them
 * @property {readonly string[]} first what it begins with
 */

/** @type {readonly Page[]} */
const PAGES = [
  { file: 'boxes.md', title: 'Boxes and jobs', about: '`Warden`, `Box` and `Job`: programs that run something in a box. [client.md](../client.md) is the guide.', sources: /^packages\/client\/src\/api\//, first: ['Warden', 'BoxOptions', 'Box', 'Job', 'RunOptions', 'RunResult', 'RunError'] },
  { file: 'testing.md', title: 'warden-client/testing', about: 'A server for tests of your own, of which nothing is real. [The guide](../client.md#tests-of-your-own)', sources: /^packages\/client\/src\/testing\//, first: ['MockServer'] },
  { file: 'events-and-blocking.md', title: 'Event client, blocking client, and v1', about: 'An emitter with pipelining, a client whose calls return when they have their answer, and commands as lists of words.', sources: /^packages\/client\/src\/(?:event-client|blocking|v1)/, first: ['EventClient', 'BlockingClient'] },
  { file: 'promises.md', title: 'Promise client', about: '`WardenClient`: a method for each request of the protocol, with typed objects.', sources: /^packages\/(?:client\/src|protocol\/src\/(?:error|messages)\.ts)/, first: ['WardenClient', 'WardenError', 'ErrorCode', 'errorCodes'] },
  { file: 'messages.md', title: 'Messages', about: 'Requests and responses as the clients give and take them: the protocol\'s fields in camelCase. [protocol.md](../protocol.md) tells what they mean.', sources: /^packages\/protocol\/src\//, first: [] },
];

/**
 * @param {readonly Declaration[]} all the first of a name counts
 * @returns {Map<string, string>} the text of each file in docs/api
 */
export function renderPages(all) {
  /** @type {Map<Page, Declaration[]>} */
  const content = new Map(PAGES.map((page) => [page, []]));
  /** @type {Map<string, Page>} */
  const places = new Map();
  for (const declaration of all) {
    const page = PAGES.find(({ sources }) => sources.test(declaration.source));
    if (page === undefined) throw new Error(`no page has declarations of ${declaration.source}`);
    if (places.has(declaration.name)) continue;
    places.set(declaration.name, page);
    content.get(page)?.push(declaration);
  }
  const files = new Map([...content].map(([page, declarations]) => [page.file, renderPage(page, inOrder(page, declarations), places)]));
  return files.set('README.md', renderIndex(content));
}

const WRITTEN_BY = '<!-- Written by `npm run docs` from the docstrings: do not edit. -->';

/** @param {ReadonlyMap<Page, readonly Declaration[]>} content */
function renderIndex(content) {
  const pages = [...content].map(([page, declarations]) => {
    const names = inOrder(page, declarations).map(({ name }) => `[${name}](${page.file}#${anchor(name)})`);
    return `## [${page.title}](${page.file})\n${page.about}\n\n${names.join(' · ')}\n`;
  });
  return `# API of warden-client\n${WRITTEN_BY}\n\nEverything that \`warden-client\` and \`warden-client/testing\` export. [client.md](../client.md) is the guide, with examples.\n\n${pages.join('\n')}`;
}

/**
 * @param {Page} page
 * @param {readonly Declaration[]} declarations
 * @param {ReadonlyMap<string, Page>} places
 */
function renderPage(page, declarations, places) {
  const parts = declarations.map((declaration) => renderDeclaration(declaration, page, places));
  return `# ${page.title}\n${WRITTEN_BY}\n\n${page.about}\n\n${parts.join('\n')}`;
}

/**
 * @param {Declaration} declaration
 * @param {Page} page
 * @param {ReadonlyMap<string, Page>} places
 */
function renderDeclaration({ name, text, code, members }, page, places) {
  const used = namesIn([code, ...members.map(({ signature }) => signature)].join('\n')).filter((other) => other !== name && places.has(other));
  const links = used.map((other) => `[${other}](${places.get(other) === page ? '' : places.get(other)?.file}#${anchor(other)})`);
  return [
    `## ${name}\n`,
    text === '' ? '' : `${text}\n\n`,
    `\`\`\`ts\n${code}\n\`\`\`\n`,
    ...members.map((member) => `\n- \`${member.signature}\`${member.text === '' ? '' : `  \n  ${member.text.replace(/\n(?=.)/g, '\n  ')}`}`),
    members.length === 0 ? '' : '\n',
    links.length === 0 ? '' : `\nSee ${links.join(', ')}.\n`,
  ].join('');
}

/**
 * What a page begins with; then classes, then the rest, by name.
 * @param {Page} page
 * @param {readonly Declaration[]} declarations
 */
function inOrder({ first }, declarations) {
  const rank = (/** @type {Declaration} */ { name, kind }) => (first.includes(name) ? first.indexOf(name) : kind === 'class' ? first.length : first.length + 1);
  return [...declarations].sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
}

/** Words of code, without its comments and texts, each once. @param {string} code */
function namesIn(code) {
  return [...new Set(code.replace(/\/\*[^]*?\*\/|'[^']*'/g, '').match(/\b[A-Z]\w+/g))].sort();
}

/** @param {string} name */
function anchor(name) {
  return name.toLowerCase();
}
