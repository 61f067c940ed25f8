/**
 * Writes docs/errors.md from the table in src/errors.ts, so that code and page cannot disagree.
 * `npm run docs:errors` rewrites the page; a test compares it with the table.
 */

import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { ERROR_CODES } from '../src/errors.ts'

export const errorsPage = 'docs/errors.md'

/** The whole page as text. */
export function renderErrorsPage(): string {
  const lines = [
    '# Errors',
    '',
    '<!-- Generated from src/errors.ts by `npm run docs:errors`: change the table there. -->',
    '',
    'Errors from outside (disk, network, input) are `QlogError`s with a `code`. Decide by the code:',
    'codes stay the same from release to release, messages may change. Where another error lies',
    'beneath, `cause` holds it. Misuse by the caller throws a `TypeError` with the code',
    '`QLOG_INVALID_ARGUMENT` before anything was done.',
    '',
    ...Object.entries(ERROR_CODES).flatMap(([code, { when, remedy }]) => [
      `## ${code}`,
      '',
      `**When:** ${when}`,
      '',
      `**What to do:** ${remedy}`,
      '',
    ]),
  ]
  return lines.join('\n')
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(errorsPage, renderErrorsPage())
  console.log(`wrote ${errorsPage}`)
}
