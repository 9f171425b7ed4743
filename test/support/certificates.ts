/** Certificates for tests, made by openssl in a folder that goes with the test: an authority, and pairs that it signed. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from './suite.js';

export interface Pair {
  /** Paths of PEM files. */
  readonly cert: string;
  readonly key: string;
}

export interface Authority extends Pair {
  readonly folder: string;
  /** Makes a pair for a server on this machine, or for a client. */
  issue(name: string, options?: IssueOptions): Pair;
}

export interface IssueOptions {
  /** OpenSSL's words: `DNS:localhost,IP:127.0.0.1`. */
  readonly alternativeNames?: string;
  /** As `/CN=name`; that is the default. */
  readonly subject?: string;
  /** Days from now on; fewer than 0 for one that has expired. */
  readonly days?: number;
}

const localNames = 'DNS:localhost,IP:127.0.0.1';

/** @param name of the authority; another one is trusted by nobody who trusts the first */
export function openAuthority(t: Pick<TestContext, 'after'>, name = 'test-authority'): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'trama-tls-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const own = pairIn(folder, 'authority');
  makeKey(own.key);
  openssl('req', '-x509', '-new', '-key', own.key, '-subj', `/CN=${name}`, '-days', '30', '-out', own.cert);
  return {
    ...own,
    folder,
    issue(pairName, { alternativeNames = localNames, subject = `/CN=${pairName}`, days = 30 } = {}) {
      const pair = pairIn(folder, pairName);
      const request = join(folder, `${pairName}.csr`);
      const extensions = join(folder, `${pairName}.ext`);
      makeKey(pair.key);
      openssl('req', '-new', '-key', pair.key, '-subj', subject, '-out', request);
      writeFileSync(extensions, `subjectAltName=${alternativeNames}\n`);
      const signing = ['-req', '-in', request, '-CA', own.cert, '-CAkey', own.key, '-CAcreateserial'];
      openssl('x509', ...signing, '-days', String(days), '-extfile', extensions, '-out', pair.cert);
      return pair;
    },
  };
}

function pairIn(folder: string, name: string): Pair {
  return { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
}

function makeKey(path: string): void {
  openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', path);
}

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
