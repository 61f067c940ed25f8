/**
 * Turns vitest's JSON report into lines for .ci/run: `passed<TAB>COUNT`, then `failed<TAB>NAME` and
 * `skipped<TAB>NAME` one a test, and `slow<TAB>SECONDS NAME` for the files that took longest. A file without a failed test that failed as a whole counts as one.
 */

import { readFileSync } from 'node:fs'
import { relative } from 'node:path'

/**
 * @typedef {{ readonly status: string, readonly fullName: string }} Assertion
 * @typedef {{ readonly name: string, readonly status: string, readonly startTime: number, readonly endTime: number, readonly assertionResults: readonly Assertion[] }} File
 */

const SLOWEST = 15

/** @type {{ readonly testResults: readonly File[] }} */
const report = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'))

let passed = 0
/** @type {string[]} */
const lines = []

for (const file of report.testResults) {
  const path = relative(process.cwd(), file.name)
  const failed = file.assertionResults.filter((test) => test.status === 'failed')
  const skipped = file.assertionResults.filter(
    (test) => !['passed', 'failed'].includes(test.status),
  )
  passed += file.assertionResults.length - failed.length - skipped.length
  for (const test of failed) lines.push(line('failed', `${path}: ${test.fullName}`))
  for (const test of skipped) lines.push(line('skipped', `${path}: ${test.fullName}`))
  if (file.status === 'failed' && failed.length === 0) lines.push(line('failed', `${path}: file`))
}

/** @param {File} file */
const seconds = ({ startTime, endTime }) => Math.round((endTime - startTime) / 1000)
const slowest = report.testResults.toSorted((one, other) => seconds(other) - seconds(one))
for (const file of slowest.slice(0, SLOWEST)) {
  lines.push(line('slow', `${seconds(file)} s ${relative(process.cwd(), file.name)}`))
}

process.stdout.write(`${[`passed\t${passed}`, ...lines].join('\n')}\n`)

/**
 * @param {string} kind
 * @param {string} name
 */
function line(kind, name) {
  return `${kind}\t${name.replaceAll(/\s+/g, ' ')}`
}
