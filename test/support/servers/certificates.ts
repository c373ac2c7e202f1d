import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { debianProgram } from './install.ts';

/** Writes a CA of its own into a folder, and a certificate it signs for a host: `<name>-ca.pem`, `<name>-cert.pem`, `<name>-key.pem`. */
export function makeCertificates(
  folder: string,
  name: string,
  host: string,
): { ca: string; cert: string; key: string } {
  const file = (suffix: string) => join(folder, `${name}-${suffix}.pem`);
  const files = { ca: file('ca'), cert: file('cert'), key: file('key') };
  const caKey = file('ca-key');
  const request = file('request');
  const extensions = file('extensions');
  writeFileSync(extensions, `subjectAltName = ${/^[\d.]+$/.test(host) ? 'IP' : 'DNS'}:${host}\n`);
  const newKey = ['req', '-newkey', 'rsa:2048', '-nodes'];
  openssl([...newKey, '-x509', '-days', '2', '-subj', `/CN=${name} test CA`, '-keyout', caKey, '-out', files.ca]);
  openssl([...newKey, '-subj', `/CN=${host}`, '-keyout', files.key, '-out', request]);
  const signed = ['-CA', files.ca, '-CAkey', caKey, '-CAcreateserial', '-days', '2', '-extfile', extensions];
  openssl(['x509', '-req', '-in', request, ...signed, '-out', files.cert]);
  // Old servers read no other form of a key.
  openssl(['rsa', '-traditional', '-in', files.key, '-out', files.key]);
  return files;
}

function openssl(args: readonly string[]): void {
  const { status, stderr } = spawnSync(debianProgram('openssl', 'openssl'), args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr.slice(-300)}`);
}
