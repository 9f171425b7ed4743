/** What the WASM module asks of its host: steps that every JavaScript engine does right, and which version of Unicode it has. */

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * The text of a binary64 as `sum` answers it: the shortest digits that read back as it, laid out as
 * Number::toString does but without the `+` of an exponent, and visibly a float.
 */
export function floatText(value: number): string {
  if (value === 0) return '0.0';
  const text = String(value).replace('+', '');
  return /[.e]/.test(text) ? text : `${text}.0`;
}

/** Upper-cases a JSON string token; the result is a string token, too. A lone surrogate stays an escape. */
export function upperToken(token: string): string {
  return JSON.stringify((JSON.parse(token) as string).toUpperCase());
}

/** The imports of an instance. `memory` is asked at each call, since the memory may have grown since the last one. */
export function hostImports(memory: () => WebAssembly.Memory) {
  const read = (offset: number, length: number) => decoder.decode(new Uint8Array(memory().buffer, offset, length));
  const write = (text: string, offset: number) =>
    encoder.encodeInto(text, new Uint8Array(memory().buffer, offset)).written;
  const conversions = {
    formatNumber(offset: number, length: number, to: number): number {
      const value = Number(read(offset, length));
      return Number.isFinite(value) ? write(floatText(value), to) : 0;
    },
    upperCase(offset: number, length: number, to: number): number {
      return write(upperToken(read(offset, length)), to);
    },
    isUpperCase(offset: number, length: number, upper: number, upperLength: number): number {
      return Number(read(offset, length).toUpperCase() === read(upper, upperLength));
    },
  };
  const textAt = (offset: number) => utf16At(memory().buffer, offset);
  /** Called where a check of the debug build fails. */
  const abort = (message: number, file: number, line: number, column: number): never => {
    throw new Error(`the engine stopped at ${textAt(file)}:${line}:${column}: ${textAt(message)}`);
  };
  return { host: conversions, env: { abort } };
}

/** A string of AssemblyScript: UTF-16, its length in bytes before it; 0 is none. */
function utf16At(buffer: ArrayBuffer, offset: number): string {
  if (offset === 0) return 'no message';
  const [bytes] = new Uint32Array(buffer, offset - 4, 1);
  return String.fromCharCode(...new Uint16Array(buffer, offset, bytes! / 2));
}
