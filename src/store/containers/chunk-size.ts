/**
 * How many offsets one chunk of a set of offsets spans.
 */
export const CHUNK_OFFSETS = 65_536
