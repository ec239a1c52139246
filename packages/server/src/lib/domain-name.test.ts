import assert from 'node:assert/strict';
import { test } from 'node:test';
import { domainPatternCovers, parseDomainName, parseDomainPattern } from './domain-name.js';

test('names are compared in lower case, without the dot at the end', () => {
  assert.equal(parseDomainName('API.Example.COM.'), 'api.example.com');
  assert.equal(parseDomainName('db'), 'db');
  assert.equal(parseDomainName('_mongodb._tcp.c1.example.com'), '_mongodb._tcp.c1.example.com');
  assert.equal(parseDomainName('xn--bcher-kva.example'), 'xn--bcher-kva.example');
  assert.equal(parseDomainName(`${'a'.repeat(63)}.example`), `${'a'.repeat(63)}.example`);
});

test('what is no name is refused', () => {
  const bad = [
    '', '.', '..', 'a..b', '.a', 'a b', 'a\nb', 'a\0b', 'a/b', 'a:53', '-a.example', 'a-.example', `${'a'.repeat(64)}.example`, `${'a.'.repeat(127)}a`,
    '1.2.3.4', '10.0.0.0/8', 'example.1', '4294967295', '*', '*.a.example', 'a.*.example', 'bücher.example', '$(id).example', 'a;b', '"a"', 'a@b', 'a\\.b', '-', '--x',
  ];
  for (const text of bad) assert.equal(parseDomainName(text), undefined, JSON.stringify(text));
  assert.equal(parseDomainName(`${'a'.repeat(49)}.`.repeat(5).slice(0, -1))?.length, 249);
  assert.equal(parseDomainName(`${'a'.repeat(49)}.`.repeat(5) + 'abcd'), undefined);
});

test('a wildcard is the first label, alone', () => {
  assert.equal(parseDomainPattern('*.Example.com'), '*.example.com');
  assert.equal(parseDomainPattern('example.com.'), 'example.com');
  for (const text of ['*', '*.', '**.example.com', '*example.com', 'a.*.example.com', '*.*.example.com', '*.1.2.3.4', '.*.a']) assert.equal(parseDomainPattern(text), undefined, text);
});

test('a name covers itself, a wildcard what is below it', () => {
  const covers = (pattern: string, name: string): boolean => domainPatternCovers(parseDomainPattern(pattern)!, parseDomainName(name)!);
  assert.ok(covers('example.com', 'EXAMPLE.com.'));
  assert.ok(!covers('example.com', 'www.example.com'));
  assert.ok(covers('*.example.com', 'www.example.com'));
  assert.ok(covers('*.example.com', 'a.b.c.example.com'));
  assert.ok(!covers('*.example.com', 'example.com'));
  assert.ok(!covers('*.example.com', 'badexample.com'));
  assert.ok(!covers('*.example.com', 'www.example.com.evil.test'));
  assert.ok(!covers('example.com', 'badexample.com'));
});
