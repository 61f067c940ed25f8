/** What the store suite asserts with: comparisons, expected errors, and promises looked at from outside. */
import { deepStrictEqual, fail, ok } from 'node:assert'
import { inspect } from 'node:util'

export function equal(actual: unknown, expected: unknown, what?: string): void {
  deepStrictEqual(actual, expected, what && `${what}: ${show(actual)} is not ${show(expected)}`)
}

export function isTrue(condition: boolean, what: string): void {
  ok(condition, what)
}

/** The code of an error; its text where it has none. */
export function codeOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error) return String(error.code)
  return `no code: ${String(error)}`
}

/** The action throws or rejects with this code; the error. */
export async function rejected(
  code: string,
  action: () => unknown,
  what = 'the call',
): Promise<Error> {
  let value: unknown
  try {
    value = await action()
  } catch (error) {
    equal(codeOf(error), code, what)
    if (!(error instanceof Error)) return fail(`${what} threw what is no Error`)
    if (code === 'QLOG_INVALID_ARGUMENT') {
      isTrue(error instanceof TypeError, `${what}: misuse is a TypeError`)
    }
    if (code === 'QLOG_ABORTED') equal(error.name, 'AbortError', what)
    return error
  }
  return fail(`${what}: ${code} was expected, but it gave ${show(value)}`)
}

/** A promise looked at from outside: never an unhandled rejection, whatever comes of it. */
export class Watched<T> {
  state: 'pending' | 'done' | 'failed' = 'pending'
  value: T | undefined
  error: unknown

  constructor(promise: Promise<T>) {
    promise.then(
      (value) => {
        this.state = 'done'
        this.value = value
      },
      (error: unknown) => {
        this.state = 'failed'
        this.error = error
      },
    )
  }
}

/** The first of a list that is not allowed to be empty. */
export function first<T>(list: readonly T[] | undefined): T {
  const value = list?.[0]
  return value === undefined ? fail('there is nothing where something was expected') : value
}

/** What has to be there. */
export function present<T>(value: T | undefined, what = 'value'): T {
  return value === undefined ? fail(`the ${what} is missing`) : value
}

export function isWithin(value: number, least: number, most: number, what: string): void {
  isTrue(value >= least && value <= most, `${what}: ${value} is not within ${least} to ${most}`)
}

function show(value: unknown): string {
  return inspect(value, { depth: 3, breakLength: Number.POSITIVE_INFINITY })
}
