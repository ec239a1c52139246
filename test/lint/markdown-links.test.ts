import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { complaints, repository, sourceFiles } from './source-files.js';
import type { Rule } from './source-files.js';

/** Code is not prose: brackets and parentheses in it are no links. */
function withoutCode(text: string): string {
  return text.replace(/^(`{3,}|~{3,})[\s\S]*?^\1/gm, '').replace(/`[^`\n]*`/g, '');
}

/** The anchor that a heading gets. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[`*]/g, '')
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
}

function anchorsOf(markdown: string): Set<string> {
  return new Set([...markdown.replace(/^(`{3,})[\s\S]*?^\1/gm, '').matchAll(/^#{1,6}\s+(.+)$/gm)].map((match) => anchorOf(match[1] ?? '')));
}

const links: Rule = ({ path, text }) => {
  const problems: string[] = [];
  for (const match of withoutCode(text).matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)|^\[[^\]]+\]:\s*(\S+)/gm)) {
    const link = match[1] ?? match[2] ?? '';
    if (/^[a-z]+:/i.test(link)) continue;
    const [target = '', anchor = ''] = link.split('#');
    const file = target === '' ? join(repository, path) : join(repository, dirname(path), decodeURI(target));
    if (target !== '' && !existsSync(file)) problems.push(`link to ${link}, which does not exist`);
    else if (anchor !== '' && file.endsWith('.md') && statSync(file, { throwIfNoEntry: false })?.isFile() === true && !anchorsOf(readFileSync(file, 'utf8')).has(anchor)) {
      problems.push(`link to ${link}: no such heading`);
    }
  }
  return problems;
};

test('every link between the documents leads somewhere', () => {
  const documents = sourceFiles(/\.md$/);
  assert.ok(documents.length > 3);
  assert.deepEqual(complaints(links, documents), []);
});

test('a link that leads nowhere is found, and so is a heading that is not there', () => {
  assert.equal(links({ path: 'docs/x.md', text: 'see [this](nowhere.md)' }).length, 1);
  assert.equal(links({ path: 'docs/x.md', text: '[a]: ../nothing.md' }).length, 1);
  assert.equal(links({ path: 'docs/x.md', text: 'see [this](native.md#no-such-heading)' }).length, 1);
  assert.deepEqual(links({ path: 'docs/x.md', text: 'see [this](native.md#who-is-who), [that](https://example.org/x) and `[code](nowhere)`' }), []);
});
