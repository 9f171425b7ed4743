/** The few steps that the host's own engine does right and fast: see `src/engine/host.ts`. */

/**
 * Reads the decimal of `length` ASCII bytes at `text`, rounds it to binary64, and writes the shortest text that reads
 * back as it, visibly a float, at `to` (at most 32 bytes). Answers the length written, or 0 for an infinity.
 */
// @ts-ignore: decorator
@external("host", "formatNumber")
export declare function formatNumber(text: usize, length: i32, to: usize): i32;

/**
 * Reads the JSON string of `length` bytes at `token`, and writes its upper case as a JSON string at `to` (at most
 * 3·`length` bytes). Answers the length written.
 */
// @ts-ignore: decorator
@external("host", "upperCase")
export declare function upperCase(token: usize, length: i32, to: usize): i32;

/**
 * Is the UTF-8 text of `upperLength` bytes at `upper` the upper case of the one of `length` bytes at `text`, as the host
 * sees it?
 */
// @ts-ignore: decorator
@external("host", "isUpperCase")
export declare function isUpperCase(text: usize, length: i32, upper: usize, upperLength: i32): bool;
