import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as assert from 'uvu/assert';
import type { Config } from '../../src/config/config.js';
import { loadConfig } from '../../src/config/load-config.js';
import { type Option, type OptionKey, optionKeys, options, variableOf } from '../../src/config/options.js';
import { ConfigError } from '../../src/errors.js';
import { availableCores } from '../../src/pool/cores.js';
import { suite, type TestContext } from '../support/suite.js';

const test = suite('configuration');

const MiB = 1024 * 1024;

/** What each option is when nothing is said: the promise of the documentation, written out once more. */
const defaults: Config = {
  port: 5000,
  host: '0.0.0.0',
  httpPort: 5080,
  httpHost: '127.0.0.1',
  workers: availableCores(),
  operationModules: [],
  dataDir: resolve('.trama'),
  logLevel: 'info',
  maxFrameBytes: 16 * MiB,
  maxConnections: 10_000,
  maxRequests: 1024,
  unreadPauseBytes: MiB,
  unreadCloseBytes: 64 * MiB,
  maxHeldBytes: 256 * MiB,
  maxQueue: 1024,
  frameTimeoutMs: 30_000,
  drainMs: 10_000,
  workerMemoryMb: 512,
};

/** A text that each option takes, other than its default, the value it means, and texts that it must refuse. */
const cases: { readonly [K in OptionKey]: { text: string; value: unknown; refused: readonly string[] } } = {
  port: { text: '0', value: 0, refused: ['-1', '65536', 'x', '80.5', '0x50', ' 80', '1e3', '٣'] },
  host: { text: '::1', value: '::1', refused: ['a b', ' '] },
  httpPort: { text: '65535', value: 65535, refused: ['70000', '99999999999999999999'] },
  httpHost: { text: 'localhost', value: 'localhost', refused: ['a\tb'] },
  workers: { text: '3', value: 3, refused: ['0', '513', 'all'] },
  operationModules: {
    text: 'package.json',
    value: [pathToFileURL('package.json').href],
    refused: ['no-such.js', 'src'],
  },
  dataDir: { text: 'some/where', value: resolve('some/where'), refused: [] },
  logLevel: { text: 'silent', value: 'silent', refused: ['loud', 'INFO'] },
  maxFrameBytes: { text: '64k', value: 65536, refused: ['65535', '64kB', '2GiB', '1TiB', '-1', '16 MiB'] },
  maxConnections: { text: '7', value: 7, refused: ['0', '1000001'] },
  maxRequests: { text: '1', value: 1, refused: ['0'] },
  unreadPauseBytes: { text: '1KiB', value: 1024, refused: ['1000', '1.0001KiB'] },
  unreadCloseBytes: { text: '1.5g', value: 1.5 * 1024 * MiB, refused: ['5GiB'] },
  maxHeldBytes: { text: '1Gib', value: 1024 * MiB, refused: ['10'] },
  maxQueue: { text: '2', value: 2, refused: ['0'] },
  frameTimeoutMs: { text: '10', value: 10, refused: ['9', '10s', '3600001'] },
  drainMs: { text: '0', value: 0, refused: ['-5', '3600001'] },
  workerMemoryMb: { text: '32', value: 32, refused: ['31', '32MiB'] },
};

function refusal(act: () => unknown): ConfigError {
  try {
    act();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

function scratchFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'trama-config-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('without flags and variables every option has its default, and says so', () => {
  const { config, settings } = loadConfig({}, {});
  assert.equal(config, defaults);
  assert.ok(settings.every(({ source }) => source === 'default'));
  assert.equal(
    settings.map(({ key }) => key),
    optionKeys,
  );
});

for (const key of optionKeys) {
  const option: Option = options[key];
  const { text, value, refused } = cases[key];

  test(`--${option.flag} and ${variableOf(option)} set ${key}, and the flag wins`, () => {
    const byVariable = loadConfig({}, { [variableOf(option)]: text });
    assert.equal(byVariable.config[key], value);
    assert.is(byVariable.settings.find((setting) => setting.key === key)?.source, 'env');

    const byFlag = loadConfig({ [key]: [text] }, { [variableOf(option)]: refused[0] ?? 'other' });
    assert.equal(byFlag.config[key], value);
    assert.is(byFlag.settings.find((setting) => setting.key === key)?.source, 'flag');
  });

  test(`what ${key} does not take is refused under the name it was given by`, () => {
    for (const bad of refused) {
      const byFlag = refusal(() => loadConfig({ [key]: [bad] }, {})).message;
      const byVariable = refusal(() => loadConfig({}, { [variableOf(option)]: bad })).message;
      assert.ok(byFlag.startsWith(`--${option.flag}: `), byFlag);
      assert.ok(byVariable.startsWith(`${variableOf(option)}: `), byVariable);
      for (const message of [byFlag, byVariable]) {
        assert.ok(message.includes(JSON.stringify(bad)), message);
        assert.not.ok(message.includes('\n'), message);
      }
    }
  });
}

test('an empty variable counts as not set, an empty flag as a mistake', () => {
  assert.is(loadConfig({}, { TRAMA_PORT: '' }).config.port, 5000);
  assert.match(refusal(() => loadConfig({ port: [''] }, {})).message, '--port: "" is not an integer from 0 to 65535');
});

test('a flag given twice means its last text', () => {
  assert.is(loadConfig({ port: ['1', '2'] }, {}).config.port, 2);
});

test('several modules come from a repeated flag or a variable written like PATH', (t) => {
  const folder = scratchFolder(t);
  const files = ['one.js', 'two words.js'].map((name) => join(folder, name));
  for (const file of files) writeFileSync(file, '');
  const urls = files.map((file) => pathToFileURL(file).href);
  assert.equal(loadConfig({ operationModules: files }, {}).config.operationModules, urls);
  assert.equal(loadConfig({}, { TRAMA_OPS: files.join(delimiter) }).config.operationModules, urls);
  assert.equal(loadConfig({ operationModules: [files[0]!] }, { TRAMA_OPS: files[1] }).config.operationModules, [
    urls[0],
  ]);
});

test('a module that is missing, or is a folder, or cannot be opened, is named with the reason', (t) => {
  const folder = scratchFolder(t);
  mkdirSync(join(folder, 'ops.js'));
  assert.match(
    refusal(() => loadConfig({ operationModules: ['./no-such.js'] }, {})).message,
    /^--ops: "\.\/no-such\.js" cannot be read \(ENOENT\); give the path of a JavaScript module$/,
  );
  assert.match(
    refusal(() => loadConfig({}, { TRAMA_OPS: join(folder, 'ops.js') })).message,
    /^TRAMA_OPS: .* cannot be read \(it is not a file\)/,
  );
  symlinkSync(join(folder, 'loop.js'), join(folder, 'loop.js'));
  assert.match(refusal(() => loadConfig({ operationModules: [join(folder, 'loop.js')] }, {})).message, /\(ELOOP\)/);
});

test('limits that contradict each other are refused, naming both', () => {
  assert.match(
    refusal(() => loadConfig({ maxFrameBytes: ['512MiB'] }, { TRAMA_MAX_HELD_BYTES: '128MiB' })).message,
    /^--max-frame-bytes: 512MiB is more than TRAMA_MAX_HELD_BYTES allows \(128MiB\)/,
  );
  assert.match(
    refusal(() => loadConfig({ unreadCloseBytes: ['64KiB'] }, {})).message,
    /^--unread-pause-bytes: 1MiB is more than --unread-close-bytes allows \(64KiB\)/,
  );
});

test('a very long mistake is not repeated at its full length', () => {
  const { message } = refusal(() => loadConfig({ port: ['9'.repeat(10_000)] }, {}));
  assert.ok(message.length < 200, message);
});

test.run();
