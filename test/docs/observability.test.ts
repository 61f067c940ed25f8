/** The tables of docs/observability.md are those of the sources. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import { CHANNELS } from '../../src/channels.ts'
import { LISTENER_METRICS } from '../../src/server/listener-metrics.ts'
import { METRICS } from '../../src/store/observe/metrics.ts'

const page = fs.readFileSync(
  path.resolve(import.meta.dirname, '../../docs/observability.md'),
  'utf8',
)

/** The rows below the headings of a table. */
function rowsBelow(headings: string): string[] {
  const lines = page.split('\n')
  const at = lines.indexOf(headings)
  expect(at, headings).toBeGreaterThan(0)
  const end = lines.findIndex((line, row) => row > at && !line.startsWith('|'))
  return lines.slice(at + 2, end)
}

test('the table of channels has each that is published on, with all its fields', () => {
  const rows = Object.entries(CHANNELS).map(([name, { when, fields }]) => {
    const told = Object.entries(fields).map(([field, words]) => `\`${field}\` ${words}`)
    return `| \`${name}\` | ${when} | ${told.join('; ')} |`
  })
  expect(rowsBelow('| channel | published when | fields |')).toEqual(rows)
})

test('the table of metrics has each that is offered', () => {
  const rows = METRICS.map(({ name, type, labels, help }) => {
    const shown = labels.map((label) => `\`${label}\``).join(', ')
    return `| \`${name}\` | ${type} | ${shown === '' ? '' : `${shown} `}| ${help} |`
  })
  expect(rowsBelow('| metric | type | labels | meaning |')).toEqual(rows)
})

test('the table of metrics of servers has each that is offered', () => {
  const rows = LISTENER_METRICS.map(({ name, type, help }) => `| \`${name}\` | ${type} | ${help} |`)
  expect(rowsBelow('| server metric | type | meaning |').slice(0, -1)).toEqual(rows)
})

test('the page of servers names every event that one logs', () => {
  const folder = path.resolve(import.meta.dirname, '../../src/cli/serve')
  const sources = fs
    .readdirSync(folder)
    .map((name) => fs.readFileSync(path.join(folder, name), 'utf8'))
  const said = sources.flatMap((text) => [
    ...text.matchAll(/\.(?:say\(\s*'\w+',|failed\()\s*'([\w-]+)'/g),
  ])
  const events = new Set(said.map((match) => match[1] ?? ''))
  expect(events.size).toBeGreaterThan(15)
  const deploy = fs.readFileSync(path.resolve(folder, '../../../docs/deploy/README.md'), 'utf8')
  expect([...events].filter((event) => !deploy.includes(`\`${event}\``))).toEqual([])
})
