/** Whether results are well-formed: every case there, every number a positive one. Pure. */

import type { Case } from './cases.ts'
import type { Result } from './result.ts'

const NUMBERS = ['rate', 'rawRate', 'bareRate', 'efficiency', 'ofBare', 'p50Ms', 'p99Ms'] as const

const APPEND_VARIANTS = ['prepared', 'sustained given back', 'sustained kept']

function variantOf({ variant, space }: Result): string {
  return space === undefined ? variant : `${variant} ${space}`
}

/** What is wrong, one sentence each; nothing where all is well. */
export function problemsOf(cases: readonly Case[], results: readonly Result[]): string[] {
  const problems: string[] = []
  for (const { kind, name } of cases) {
    const wanted = kind === 'append' ? APPEND_VARIANTS : ['prepared']
    for (const variant of wanted) {
      const found = results.filter((one) => one.case === name && variantOf(one) === variant)
      if (found.length !== 1) problems.push(`${name} ${variant} has ${found.length} results`)
    }
  }
  for (const result of results) {
    // As a reader of the lines will see them: what JSON cannot carry becomes null.
    const line: Record<string, unknown> = JSON.parse(JSON.stringify(result))
    for (const name of leavesTheLoop(cases, result) ? [...NUMBERS, 'loopDelayP99Ms'] : NUMBERS) {
      const value = line[name]
      if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
        problems.push(`${result.case} ${result.variant}: ${name} is ${String(value)}`)
      }
    }
    if (result.sync !== 'always') problems.push(`${result.case}: sync is ${String(result.sync)}`)
    if (result.p50Ms > result.p99Ms) problems.push(`${result.case}: p50Ms is above p99Ms`)
  }
  return problems
}

function leavesTheLoop(cases: readonly Case[], { case: wanted }: Result): boolean {
  const found = cases.find(({ name }) => name === wanted)
  return found?.kind === 'append' && found.call !== 'sync'
}
