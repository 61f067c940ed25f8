/** The commit of a checkout, for results that name what they were made with. */

import { execFileSync } from 'node:child_process'

/**
 * Twelve hex digits, and '-dirty' where files differ from it; undefined where there is no history, as in an
 * unpacked archive.
 */
export function commitOf(root: string): string | undefined {
  try {
    const head = execFileSync(
      'git',
      ['describe', '--always', '--dirty', '--abbrev=12', '--exclude=*'],
      {
        cwd: root,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    )
    return head.trim()
  } catch {
    return undefined
  }
}
