import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describeThrown } from '../protocol/describe-thrown.js';

/**
 * What a user's module threw, as one line, with what to do about it where that is known. Errors may be anything: a module
 * can throw what it likes.
 */
export function explainLoadError(error: unknown): string {
  return inOneLine(error) + advice(error, adviceByCode);
}

/** The same of what the import of a module threw: that may be what its parser said. */
export function explainImportError(error: unknown): string {
  return inOneLine(error) + (advice(error, adviceByCode) || advice(error, adviceOnSyntax));
}

function inOneLine(error: unknown): string {
  return describeThrown(error).replace(/\s+/g, ' ').trim();
}

/** Was there no such file: the module's own, or one that it asks for? */
export function isNotFound(error: unknown): boolean {
  const { code } = Object(error) as { code?: unknown };
  return code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND' || code === 'ENOENT';
}

/**
 * Did Node refuse the file for what it is, and not something that it imports? The message names the one refused.
 * @returns what the file is, or `undefined` where it was not refused
 */
export function whyNoModule(error: unknown, url: string, file: string): string | undefined {
  const { code, message } = Object(error) as { code?: unknown; message?: unknown };
  const named = String(message);
  if (!noModuleCodes.includes(String(code)) || !(named.includes(url) || named.includes(file))) return undefined;
  return typeScriptName.test(file) ? typeScriptSentence() : 'it is not a JavaScript module (.mjs, .js or .cjs)';
}

const noModuleCodes = [
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_IMPORT_ATTRIBUTE_MISSING',
  'ERR_IMPORT_ASSERTION_TYPE_MISSING',
];
const typeScriptName = /\.[cm]?tsx?$/;

/** Does this Node run TypeScript, as 22.18, 23.6 and newer do by themselves? */
export function takesTypeScript(): boolean {
  return Boolean((process.features as { typescript?: unknown }).typescript);
}

function typeScriptSentence(): string {
  // It takes the others, so this must be a .tsx.
  if (takesTypeScript()) return 'Node takes .ts, .mts and .cts only; compile it to JavaScript';
  return `it is TypeScript, which Node ${process.version} does not take: use Node 22.18, 24 or newer, or compile it to JavaScript (npx tsc) and give that file`;
}

function advice(error: unknown, adviceFor: (error: unknown) => string): string {
  try {
    return adviceFor(error);
  } catch {
    return '';
  }
}

function adviceByCode(error: unknown): string {
  const { code, message, url } = Object(error) as { code?: unknown; message?: unknown; url?: unknown };
  const text = String(message);
  switch (code) {
    case 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX':
      return '; Node only strips types: write it without, or compile the file to JavaScript (npx tsc)';
    case 'ERR_UNKNOWN_FILE_EXTENSION':
      return /"\.[cm]?ts"/.test(text) ? `; ${typeScriptSentence()}` : '';
    case 'ERR_MODULE_NOT_FOUND':
      return text.includes("package 'trama'") ? installAdvice : sourceAdvice(url);
    case 'MODULE_NOT_FOUND':
      return text.startsWith("Cannot find module 'trama'") ? installAdvice : '';
    default:
      return '';
  }
}

const esmInCommonJs = /^Cannot use import statement outside a module|^Unexpected token 'export'/;
const isOfLinker = /The requested module '/;
const missesType = /\.[cm]?ts' does not provide an export named/;

/**
 * Of an error of Node's own parser of modules, or of its linker. Code of a module throws SyntaxErrors as well, by `JSON.parse`
 * or `new RegExp`; those have another place on top of their stack.
 */
function adviceOnSyntax(error: unknown): string {
  if (!(error instanceof SyntaxError) || !isOfModuleLoader(error)) return '';
  const { message } = error;
  if (esmInCommonJs.test(message)) return '; name the file .mjs, or put "type": "module" in the package.json beside it';
  if (missesType.test(message)) return '; a type has to be imported with `import type`';
  return isOfLinker.test(message) ? '' : ' (`node --check` with the file shows the place)';
}

function isOfModuleLoader({ stack }: Error): boolean {
  const [top = ''] = /^ +at .*$/m.exec(String(stack)) ?? [];
  return /node:internal\/(?:modules\/|vm:)/.test(top);
}

const installAdvice = " (it has to be installed in the folder of the file: trama's README says how)";

/** TypeScript's compilers find a source by other names; Node does not. */
function sourceAdvice(url: unknown): string {
  const missing = fileURLToPath(String(url));
  const bare = missing.replace(/\.([cm]?)js$/, '');
  const [, kind = ''] = /\.([cm]?)js$/.exec(missing) ?? [];
  const source = `${bare}.${kind}ts`;
  return existsSync(source) ? `; import it by its own name, ${source}` : '';
}
