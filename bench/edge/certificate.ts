import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Pair {
  readonly certificate: string;
  readonly key: string;
}

/** A key on the curve P-256 and a certificate for it, as files in a folder. @throws Error that says what is missing */
export async function makePair(folder: string): Promise<Pair> {
  const pair = { certificate: join(folder, 'server.crt'), key: join(folder, 'server.key') };
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const subject = ['-subj', '/CN=localhost', '-days', '2'];
  try {
    await promisify(execFile)('openssl', [
      'req',
      '-x509',
      ...curve,
      ...subject,
      '-keyout',
      pair.key,
      '-out',
      pair.certificate,
    ]);
  } catch (cause) {
    throw new Error('openssl is not installed, or makes no certificate', { cause });
  }
  return pair;
}
