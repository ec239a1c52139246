/* The TCP port: who has a certificate of the configured authority may do everything, and nobody else anything. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { test } from 'node:test';
import tls from 'node:tls';
import { WardenClient } from 'warden-client';
import { makeCertificate } from '../harness/certificate.js';
import { configurationText } from '../harness/configuration.js';
import type { Certificate } from '../harness/certificate.js';
import { useServer } from '../harness/fixture.js';
import { wardenProgram } from '../harness/paths.js';
import { runProgram } from '../harness/run-program.js';
import { PORTS } from '../harness/slot.js';

const server = useServer();
let [own, client, stranger]: Certificate[] = [];
const host = '127.0.0.1';
const portOf = (): number => server.slot.startPort + PORTS - 2;

const credentials = (who: Certificate) => ({ ca: readFileSync(own!.certificate, 'utf8'), certificate: readFileSync(who.certificate, 'utf8'), key: readFileSync(who.key, 'utf8') });

async function connect(who: Certificate): Promise<WardenClient> {
  return WardenClient.connect({ host, port: portOf(), tls: credentials(who) });
}

/** The slot is taken when the tests begin. */
async function begin(): Promise<void> {
  const directory = `${server.slot.directory}/tls`;
  mkdirSync(directory);
  [own, client, stranger] = await Promise.all(['server', 'client', 'stranger'].map((name) => makeCertificate(directory, name)));
  await server.restart({ server: { tls: { address: `${host}:${portOf()}`, certificate: own!.certificate, key: own!.key, client_ca: client!.certificate } } });
}

test('a client with a certificate makes a container and runs a job in it', async () => {
  await begin();
  const warden = await connect(client!);
  try {
    const { handle } = await warden.create({ handle: 'over-tls' });
    server.handles.add(handle);
    const { stdout } = await warden.run({ handle, script: 'head -c 3000000 /dev/zero | tr "\\0" x' });
    assert.equal(stdout?.length, 3_000_000);
    assert.match(server.daemon.log, /"request":"run","handle":"over-tls".*"peer":"127\.0\.0\.1 [^"]+"/);
    await warden.destroy({ handle });
  } finally {
    await warden.close();
  }
});

test('the command line, by variables', async () => {
  const environment = { ...process.env, WARDEN_TLS_CA: own!.certificate, WARDEN_TLS_CERT: client!.certificate, WARDEN_TLS_KEY: client!.key };
  const done = await runProgram(wardenProgram, ['--socket', `tls:${host}:${portOf()}`, '--', 'ping'], { env: environment });
  assert.deepEqual([done.status, done.stdout, done.stderr], [0, 'pong\n', '']);
});

test('without a certificate, with another\'s, and without TLS nobody gets in; the log says so', async () => {
  const from = server.daemon.log.length;
  await assert.rejects(async () => {
    const warden = await connect(stranger!);
    await warden.ping();
  }, { code: 'unavailable' });
  const bare = tls.connect({ host, port: portOf(), ca: readFileSync(own!.certificate), minVersion: 'TLSv1.3' });
  bare.on('data', () => assert.fail('a reply to nobody'));
  bare.once('secureConnect', () => bare.write('6\r\n\x08\x5b\x12\x02\x08\x01\r\n'));
  await once(bare, 'error');
  const plain = net.connect(portOf(), host);
  plain.end('6\r\n\x08\x5b\x12\x02\x08\x01\r\n');
  plain.on('error', () => undefined);
  plain.resume();
  await once(plain, 'close');
  await server.daemon.logged('a peer was refused at the TLS port', { count: 3, from });
  const still = await connect(client!);
  await still.ping();
  await still.close();
});

test('a client that trusts another authority does not talk to this server', async () => {
  const wrong = WardenClient.connect({ host, port: portOf(), tls: { ...credentials(client!), ca: readFileSync(stranger!.certificate, 'utf8') } });
  await assert.rejects(wrong, { code: 'unavailable', message: /self-signed certificate/ });
});

test('SIGHUP takes new certificates', async () => {
  const from = server.daemon.log.length;
  copyFileSync(stranger!.certificate, client!.certificate);
  server.daemon.child.kill('SIGHUP');
  await server.daemon.logged('the configuration was read anew', { from });
  const warden = await connect(stranger!);
  await warden.ping();
  await warden.close();
});

test('SIGHUP with a certificate that cannot be read changes nothing, of the other settings neither', async () => {
  const { client: plain, handle } = await server.container();
  const from = server.daemon.log.length;
  const tlsSection = { address: `${host}:${portOf()}`, certificate: own!.certificate, key: own!.key, client_ca: client!.certificate };
  writeFileSync(server.paths.configuration, configurationText(server.slot, { server: { tls: tlsSection, job_output_limit: 10 } }));
  rmSync(own!.key);
  server.daemon.child.kill('SIGHUP');
  await server.daemon.logged('the configuration is not right any more', { from });
  assert.equal((await plain.run(handle, 'echo more than ten bytes')).status, 0);
});
