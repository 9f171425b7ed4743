import { fileURLToPath } from 'node:url';

/**
 * The modules of a crew of threads, as the first of them has loaded them. The threads that come later load these, and not
 * what is in the files by then: all threads run one version, whatever is edited, rebuilt or deleted meanwhile.
 *
 * What is not in it is read from the files: modules that an operation imports while it runs, addons, and files that are
 * no modules.
 */
export interface ModuleRecord {
  readonly sources: Map<string, ModuleSource>;
  /** By importing module, kind of import and specifier; empty where Node cannot tell (before 22.15). */
  readonly resolutions: Map<string, { readonly url: string; readonly format: string | undefined }>;
}

export interface ModuleSource {
  /** As Node's loader names it. */
  readonly format: string | undefined;
  readonly bytes: SharedArrayBuffer;
}

/** Our own modules, compiled. */
const ownRoot = new URL('../', import.meta.url).href;

export function emptyRecord(): ModuleRecord {
  return { sources: new Map(), resolutions: new Map() };
}

/** Our own modules of a record: they stay as they are when those of users are loaded anew. */
export function ownPart({ sources, resolutions }: ModuleRecord): ModuleRecord {
  return {
    sources: new Map([...sources].filter(([url]) => url.startsWith(ownRoot))),
    resolutions: new Map([...resolutions].filter(([, { url }]) => url.startsWith(ownRoot))),
  };
}

/** The paths of users' own files: neither ours, nor of installed packages. */
export function filesOf({ sources }: ModuleRecord): readonly string[] {
  return [...sources.keys()]
    .filter((url) => !url.startsWith(ownRoot) && !url.includes('/node_modules/'))
    .map((url) => fileURLToPath(url));
}
