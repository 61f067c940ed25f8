/**
 * The short table of README.md beside beanstalkd, made from what `bench -- serve --json` printed.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { readOptions, refuse } from '../command-line.ts'
import { betweenMarks } from '../readme-tables.ts'
import type { StoreResult } from '../store/result.ts'
import { SERVE_CASES } from './scale.ts'

const README = 'README.md'
export const SERVE_TABLE_USAGE = 'serve-table FILE'

const TITLES: Readonly<Record<string, string>> = {
  'put-1': 'puts/s, one connection, one at a time',
  'put-50': '50 connections',
  'put-500': '500 connections',
  'put-pipelined-1000': 'one connection, 1,000 on the way',
  'cycle-1': 'put + reserve + delete, one connection',
  'cycle-50': '50 connections',
  'cycle-500': '500 connections',
  'cycle-pipelined-1000': 'one connection, 1,000 on the way',
}

/** Renews the table in README.md; the exit code. */
export function runServeTable(words: readonly string[]): number {
  const wanted = readOptions(words, {}, (_values, [file = '']) => ({ file }), 1)
  if (typeof wanted === 'string') return refuse(wanted, SERVE_TABLE_USAGE)
  writeServeTable(wanted.file)
  return 0
}

function writeServeTable(file: string): void {
  const text = readFileSync(README, 'utf8')
  writeFileSync(README, withServeTable(text, file, readFileSync(file, 'utf8')))
}

/** The text of README.md with the table that these JSON lines give. */
export function withServeTable(text: string, file: string, jsonLines: string): string {
  const command = `npm run bench -- serve-table ${file}`
  return betweenMarks(text, 'serve', command, tableOf(jsonLines))
}

function tableOf(jsonLines: string): string[] {
  const [header, ...results] = jsonLines
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line): unknown => JSON.parse(line))
  const byName = new Map((results as StoreResult[]).map((result) => [result.case, result]))
  const rows = SERVE_CASES.flatMap(({ name }) => {
    const result = byName.get(name)
    const title = TITLES[name]
    return result === undefined || title === undefined ? [] : [rowOf(title, result)]
  })
  return [
    '| medians, jobs of 100 bytes | qlog | beanstalkd `-f0` | ratio | beanstalkd without a log |',
    '| --- | ---: | ---: | ---: | ---: |',
    ...rows,
    '',
    circumstances(header as Readonly<Record<string, unknown>>),
  ]
}

function rowOf(title: string, { figures }: StoreResult): string {
  const medianOf = (name: string): number | undefined =>
    figures.find((figure) => figure.name === name)?.value
  const ratio = medianOf('to -f0')
  const cells = [
    title,
    shown(medianOf('qlog')),
    shown(medianOf('beanstalkd -f0')),
    ratio === undefined ? '' : `${shown(ratio)} x`,
    shown(medianOf('beanstalkd without a log')),
  ]
  return `| ${cells.join(' | ')} |`
}

function shown(value: number | undefined): string {
  return value?.toLocaleString('en-US', { maximumSignificantDigits: 2 }) ?? ''
}

function circumstances(header: Readonly<Record<string, unknown>>): string {
  const { machine, kernel, fileSystem, node, peer, pairs, date } = header
  const version = String(kernel).split('.').slice(0, 2).join('.')
  const day = String(date).slice(0, 10)
  return `${machine}, Linux ${version.replace('Linux ', '')}, ${fileSystem}, Node ${node}, ${peer}, in turns, ${pairs} pairs, ${day}: \`npm run bench -- serve\` makes yours.`
}
