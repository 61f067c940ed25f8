/** What a decoder is to those who feed it with hostile bytes, and what they share. */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { ERROR_CODES } from '../../src/errors.ts'
import { pick, type Random } from './mutate.ts'

/** One reader of bytes. */
export interface HostileDecoder {
  readonly name: string
  /** Bytes as a writer leaves them. */
  valid(random: Random): Uint8Array
  /** Mutations leave lengths and places as they are. */
  readonly inPlace?: boolean
  /**
   * Reads these bytes; `original` is what they were made of, undefined where they are noise. Throws
   * {@link BrokenPromiseError} where they should not have been taken.
   */
  read(bytes: Uint8Array, original: Uint8Array | undefined, random: Random): unknown
  /** Errors that are its own way to refuse, beside those with a code. */
  isRefusal?(error: unknown): boolean
  /** The largest array for so many bytes; by default 64 KiB and eight times as many. */
  largestFor?(byteLength: number): number
}

/** Something was done that must not be. */
export class BrokenPromiseError extends Error {}

/** An error as it may come out of qlog: with a code that is in the table. */
export function isTyped(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false
  return typeof error.code === 'string' && Object.hasOwn(ERROR_CODES, error.code)
}

/** Throws {@link BrokenPromiseError} where these differ. */
export function expectSame(found: unknown, expected: unknown, what: string): void {
  if (!isDeepStrictEqual(found, expected)) throw new BrokenPromiseError(what)
}

/** Some values, made when the first is asked for, as making them takes long. */
export function samplesOf<T>(any: fc.Arbitrary<T>, count: number): (random: Random) => T {
  let samples: readonly T[] | undefined
  return (random) => {
    samples ??= fc.sample(any, { numRuns: count, seed: 1 })
    return pick(random, samples)
  }
}
