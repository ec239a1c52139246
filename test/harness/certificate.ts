/* A certificate of nobody's for a server on 127.0.0.1, made by openssl. */
import { join } from 'node:path';
import { mustRun } from './run-program.js';

export interface Certificate { readonly certificate: string; readonly key: string }

export async function makeCertificate(directory: string, name: string): Promise<Certificate> {
  const [certificate, key] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)];
  await mustRun('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', certificate, '-days', '2', '-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']);
  return { certificate, key };
}
