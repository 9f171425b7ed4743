import type { MessagePort } from 'node:worker_threads';
import type { WorkerSetup } from './messages.js';
import type { ModuleRecord } from './module-record.js';

/** The first and only message over a thread's `parentPort`. */
export interface BootMessage {
  /** URL of `worker.js`. */
  readonly entry: string;
  readonly setup: WorkerSetup;
  /** What is in it is loaded from it. */
  readonly record: ModuleRecord;
  /** Is the rest to be recorded? */
  readonly isRecording: boolean;
}

/** What the entry of a thread is given beside its setup: the record, if there was one to make. Ends the recording. */
export type TakeRecord = () => ModuleRecord | undefined;

interface Context {
  readonly parentURL?: string;
  readonly conditions?: readonly string[];
  readonly importAttributes?: object;
}
type NextResolve = (specifier: string, context: Context) => { readonly url: string; readonly format?: string };
type NextLoad = (url: string, context: object) => { readonly format?: string; readonly source?: Source };
type Source = string | Uint8Array | null | undefined;
type Parent = { filename?: string } | undefined;
/** What programs have always replaced of the loader of CommonJS. */
interface CommonJsLoader {
  _resolveFilename(request: string, parent: Parent, ...more: unknown[]): string;
  _load(request: string, parent: Parent, ...more: unknown[]): unknown;
}

/**
 * The very first code of a worker thread. It has the module loader take what is in the record, and adds what is not there
 * yet, where that is asked for.
 *
 * A thread has this class as text, so that no file is needed to start one: it must not name anything outside of itself.
 *
 * Node has hooks for this from 22.15 on (`registerHooks`). Before, the loader's own reads are answered: it looks up
 * `readFile` each time. That does not help where a file is gone, since the loader also asks whether there is one; then,
 * and only then, the older hooks are used (`register`), which cost a thread of their own.
 */
class ThreadBoot {
  readonly #fs: typeof import('node:fs');
  readonly #module: typeof import('node:module') & { registerHooks?: (hooks: object) => void };
  readonly #threads: typeof import('node:worker_threads');
  readonly #url: typeof import('node:url');
  #record!: ModuleRecord;
  #isRecording = false;
  /** ES modules by URL, for `require` where the loader must not be asked for them. */
  readonly #prepared = new Map<string, unknown>();
  /** What the older hooks have read in their thread. */
  #fromHooks: MessagePort | undefined;

  constructor(require: NodeJS.Require) {
    this.#fs = require('node:fs');
    this.#module = require('node:module');
    this.#threads = require('node:worker_threads');
    this.#url = require('node:url');
    this.#threads.parentPort!.once('message', (message: BootMessage) => void this.#run(message));
  }

  async #run({ entry, setup, record, isRecording }: BootMessage): Promise<void> {
    this.#record = record;
    this.#isRecording = isRecording;
    if (this.#module.registerHooks !== undefined) this.#useHooks(this.#module.registerHooks);
    else {
      this.#answerReads();
      const isGone = (url: string) => !this.#fs.existsSync(this.#url.fileURLToPath(url));
      if ([...record.sources.keys()].some(isGone)) {
        this.#useOlderHooks();
        await this.#prepareIndex(entry);
      }
    }
    const { runWorker } = await import(entry);
    runWorker(setup, () => this.#takeRecord());
  }

  #takeRecord(): ModuleRecord | undefined {
    if (!this.#isRecording) return undefined;
    const { receiveMessageOnPort } = this.#threads;
    const receive = () => (this.#fromHooks === undefined ? undefined : receiveMessageOnPort(this.#fromHooks));
    for (let last = receive(); last !== undefined; last = receive()) {
      this.#note(last.message.url, last.message.format, last.message.source);
    }
    this.#isRecording = false;
    return this.#record;
  }

  #note(url: string, format: string | undefined, source: Source): void {
    if (!this.#isRecording || source === null || source === undefined || this.#record.sources.has(url)) return;
    const read = Buffer.from(source as string);
    const bytes = new SharedArrayBuffer(read.length);
    new Uint8Array(bytes).set(read);
    this.#record.sources.set(url, { format, bytes });
  }

  #copyOf(bytes: SharedArrayBuffer): Buffer {
    return Buffer.from(new Uint8Array(bytes));
  }

  #useHooks(registerHooks: (hooks: object) => void): void {
    const { sources, resolutions } = this.#record;
    registerHooks({
      resolve: (specifier: string, context: Context, next: NextResolve): object => {
        const kind = context.conditions?.includes('require') ? 'require' : 'import';
        const key = `${context.parentURL}\n${kind}\n${specifier}`;
        const known = resolutions.get(key);
        if (known !== undefined) return { ...known, importAttributes: context.importAttributes, shortCircuit: true };
        const resolved = next(specifier, context);
        if (this.#isRecording && resolved.url.startsWith('file:')) {
          resolutions.set(key, { url: resolved.url, format: resolved.format });
        }
        return resolved;
      },
      load: (url: string, context: object, next: NextLoad): object => {
        const known = sources.get(url);
        if (known !== undefined) return { format: known.format, source: this.#copyOf(known.bytes), shortCircuit: true };
        const read = next(url, context);
        if (url.startsWith('file:')) this.#note(url, read.format, read.source);
        return read;
      },
    });
  }

  #answerReads(): void {
    const { readFileSync, promises } = this.#fs;
    const { readFile } = promises;
    const isForUs = (url: string) => (this.#isRecording || this.#record.sources.has(url)) && this.#isLoaders();
    const fromRecordLater = async (file: never, options: never): Promise<string | Buffer> => {
      const url = this.#urlOf(file);
      if (!isForUs(url)) return readFile(file, options);
      const known = this.#record.sources.get(url);
      if (known !== undefined) return this.#copyOf(known.bytes);
      const read = await readFile(file, options);
      this.#note(url, url.endsWith('.json') ? 'json' : 'module', read);
      return read;
    };
    const fromRecord = (file: never, options: never): string | Buffer => {
      const url = this.#urlOf(file);
      if (!isForUs(url)) return readFileSync(file, options);
      const known = this.#record.sources.get(url);
      if (known !== undefined) {
        const bytes = this.#copyOf(known.bytes);
        return options === undefined || options === null ? bytes : bytes.toString();
      }
      const read = readFileSync(file, options);
      this.#note(url, this.#formatOf(url), read);
      return read;
    };
    Object.assign(promises, { readFile: fromRecordLater });
    Object.assign(this.#fs, { readFileSync: fromRecord });
  }

  /** What a file is that the loader of CommonJS reads: it is asked for modules of either kind. */
  #formatOf(url: string): string {
    if (url.endsWith('.json')) return 'json';
    if (!url.endsWith('.js')) return url.endsWith('.mjs') ? 'module' : 'commonjs';
    for (let folder = new URL('.', url); ; folder = new URL('..', folder)) {
      const place = new URL('package.json', folder);
      if (this.#fs.existsSync(place)) {
        const { type } = JSON.parse(this.#fs.readFileSync(place, 'utf8')) as { type?: unknown };
        return type === 'module' ? 'module' : 'commonjs';
      }
      if (folder.pathname === '/') return 'commonjs';
    }
  }

  #urlOf(file: unknown): string {
    if (typeof file === 'string') return this.#url.pathToFileURL(file).href;
    return file instanceof URL ? file.href : '';
  }

  /** Was the read, three calls from here, called by Node's module loader? Programs read modules as data, too. */
  #isLoaders(): boolean {
    const { stackTraceLimit, prepareStackTrace } = Error;
    Error.stackTraceLimit = 4;
    Error.prepareStackTrace = (_error, sites) => sites[3]?.getFileName();
    const holder: { stack?: unknown } = {};
    Error.captureStackTrace(holder);
    const caller = holder.stack;
    Object.assign(Error, { stackTraceLimit, prepareStackTrace });
    return typeof caller === 'string' && caller.startsWith('node:internal/modules/');
  }

  /**
   * Node 20 crashes where an ES module is required while the older hooks are there. So our own that CommonJS modules require
   * is imported before. Those of users are not: nothing of theirs may run so early.
   */
  async #prepareIndex(entry: string): Promise<void> {
    const index = new URL('../index.js', entry).href;
    if (this.#record.sources.has(index)) this.#prepared.set(index, await import(index));
  }

  #urlFor(loader: CommonJsLoader, request: string, parent: Parent): string {
    try {
      return this.#urlOf(loader._resolveFilename(request, parent));
    } catch {
      return '';
    }
  }

  #useOlderHooks(): void {
    const { sources } = this.#record;
    const loader = this.#module as unknown as CommonJsLoader;
    const fromDisk = loader._resolveFilename;
    loader._resolveFilename = (request, parent, ...more) => {
      const isPlace = /^(\.{0,2}\/|\.{1,2}$)/.test(request);
      const place = isPlace ? new URL(request, this.#url.pathToFileURL(parent?.filename ?? '/')).href : undefined;
      const ending = ['', '.js', '.json', '/index.js'].find((end) => sources.has(`${place}${end}`));
      return ending === undefined ? fromDisk(request, parent, ...more) : this.#url.fileURLToPath(`${place}${ending}`);
    };
    const load = loader._load;
    loader._load = (request, parent, ...more) => {
      const url = this.#urlFor(loader, request, parent);
      if (sources.get(url)?.format !== 'module') return load(request, parent, ...more);
      const module = this.#prepared.get(url);
      if (module !== undefined) return module;
      throw new Error(`a file was removed, and Node before 22.15 cannot require the ES module ${url} then`);
    };
    const { port1: port, port2 } = new this.#threads.MessageChannel();
    this.#fromHooks = port2;
    const text = `
      let sources;
      let port;
      export function initialize(given) { ({ sources, port } = given); }
      export function resolve(specifier, context, next) {
        const isPlace = /^(\\.{0,2}\\/|file:)/.test(specifier);
        const url = isPlace ? new URL(specifier, context.parentURL).href : undefined;
        const known = sources.get(url);
        return known === undefined ? next(specifier, context) : { url, format: known.format, shortCircuit: true };
      }
      export async function load(url, context, next) {
        const known = sources.get(url);
        // Without a source, the loader of CommonJS is asked, whose reads are answered.
        if (known?.format === 'commonjs') return { format: 'commonjs', source: null, shortCircuit: true };
        if (known !== undefined) {
          return { format: known.format, source: Buffer.from(new Uint8Array(known.bytes)), shortCircuit: true };
        }
        const read = await next(url, context);
        if (url.startsWith('file:')) port.postMessage({ url, format: read.format, source: read.source });
        return read;
      }`;
    const hooks = `data:text/javascript,${encodeURIComponent(text)}`;
    this.#module.register(hooks, { data: { sources, port }, transferList: [port] });
  }
}

export const bootSource = `new (${ThreadBoot})(require)`;
