/** The protocol's limits, each named with its unit. `docs/protocol.md` has the same table. Imports nothing. */

/** Bytes of the length before each body (uint32, big-endian). */
export const frameHeaderBytes = 4;

/** The largest body that the length can announce. */
export const frameBytesRepresentable = 0xffff_ffff;

/** Default limit of a body that is held in memory. */
export const frameBytesMaxDefault = 16 * 1024 * 1024;

/** The I/O thread decodes bodies up to this size and, for cheap operations, answers them. */
export const inlineBytesMax = 64 * 1024;

/** Brackets open at once anywhere in a body, the request's own included. */
export const nestingLevelsMax = 1024;

/** An `id`, in bytes as written between its quotes. */
export const idBytesMax = 256;
