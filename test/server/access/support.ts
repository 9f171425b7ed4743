/** A file of tokens for a test, and peers that say who they are. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { digestOf, newToken } from '../../../src/server/access/token.js';
import { formatTokenFile, type IdentityEntry } from '../../../src/server/access/token-file.js';
import type { TestContext } from '../../support/suite.js';
import { openWire, request, type Wire } from '../../support/wire.js';

export interface TokenFile {
  readonly path: string;
  /** By the name of the identity. */
  readonly tokens: Readonly<Record<string, string>>;
  /** Puts other entries in the file; the names keep their tokens. */
  write(limits: Limits): void;
}

/** What each identity is held to, by its name. `anonymous` gets no token. */
export type Limits = Readonly<Record<string, Omit<IdentityEntry, 'name' | 'sha256'>>>;

export function tokenFile(t: Pick<TestContext, 'after'>, limits: Limits): TokenFile {
  const folder = mkdtempSync(join(tmpdir(), 'trama-tokens-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'tokens.json');
  const tokens: Record<string, string> = {};
  const write = (next: Limits) => {
    const entries = Object.entries(next).map(([name, held]): IdentityEntry => {
      if (name === 'anonymous') return { name, ...held };
      tokens[name] ??= newToken();
      return { name, sha256: digestOf(tokens[name]), ...held };
    });
    writeFileSync(`${path}.next`, formatTokenFile(entries), { mode: 0o600 });
    renameSync(`${path}.next`, path);
  };
  write(limits);
  return { path, tokens, write };
}

export function authRequest(token: string | undefined): Buffer {
  return request('auth', '$auth', JSON.stringify({ token }));
}

/** Connects, and says who it is. */
export async function openAs(t: TestContext, port: number, name: string, file: TokenFile): Promise<Wire> {
  const wire = await openWire(t, port);
  await wire.send(authRequest(file.tokens[name]));
  assert.equal(await wire.reply(), { id: 'auth', ok: true, result: { identity: name } });
  return wire;
}
