/** Whether results of the store are well-formed: every case there, every figure a number. Pure. */

import type { StoreResult } from './result.ts'

/** What is wrong, one sentence each; nothing where all is well. */
export function storeProblems(
  cases: readonly { readonly name: string }[],
  results: readonly StoreResult[],
): string[] {
  const problems: string[] = []
  for (const { name } of cases) {
    const found = results.filter((one) => one.case === name)
    if (found.length !== 1) problems.push(`${name} has ${found.length} results`)
  }
  for (const result of results) {
    if (result.sync !== 'always') problems.push(`${result.case}: sync is ${String(result.sync)}`)
    if (result.figures.length === 0) problems.push(`${result.case} has no figures`)
    for (const { name, value, unit } of result.figures) {
      // So few messages may take less memory than was freed meanwhile, and need no snapshot.
      const isAny = unit === 'B/message' || unit === 'share' || unit === 'ms'
      if (!Number.isFinite(value) || (value <= 0 && !isAny)) {
        problems.push(`${result.case}: ${name} is ${value}`)
      }
    }
  }
  return problems
}
