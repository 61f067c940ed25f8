/** The commit of a checkout, for results that name what they were made with. */

import { execFileSync } from 'node:child_process'

/** Twelve hex digits; undefined where there is no history, as in an unpacked archive. */
export function commitOf(root: string): string | undefined {
  try {
    const head = execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return head.trim()
  } catch {
    return undefined
  }
}
