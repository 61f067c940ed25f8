/** The lab's runs add up, and the page says what the files of the lab say. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { PAGE, renewed } from '../../tools/lab/page.ts'
import { TRIALS } from '../../tools/lab/registry.ts'
import {
  type RunResult,
  readResults,
  recordRun,
  type TrialResult,
  totalOf,
} from '../../tools/lab/results.ts'
import { sourceState } from '../../tools/lab/source-state.ts'
import { root } from '../real/children.ts'

const MACHINE = { platform: 'x', kernel: '1', node: 'v1', processors: 1, fileSystem: 'x' }

function run(day: number, trials: Record<string, Partial<TrialResult>>): RunResult {
  const whole = Object.entries(trials).map(([name, result]): [string, TrialResult] => [
    name,
    { letter: 'A', state: 'new', seconds: 10, counts: {}, failures: [], ...result },
  ])
  return { date: `2026-01-0${day}`, machine: MACHINE, trials: Object.fromEntries(whole) }
}

test('the page has the table that the lab makes of the recorded runs', () => {
  const page = readFileSync(join(root, PAGE), 'utf8')
  expect(page, 'renew it with: npm run lab -- --write').toBe(
    renewed(page, TRIALS, readResults(root)),
  )
  for (const { name, covers } of TRIALS) {
    const total = totalOf(readResults(root), name)
    if (total === undefined) continue
    const state = sourceState(root, covers)
    if (total.state !== state) {
      console.warn(`the counts of ${name} are of an earlier state, ${total.state}; now ${state}`)
    }
  }
})

test('no two trials share a name, which results are kept under', () => {
  const names = TRIALS.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const name of names) expect(name).toMatch(/^[a-z][a-z-]+$/)
})

test('runs of one state add up; those of another do not', () => {
  const results = [
    run(1, { x: { state: 'old', counts: { bits: 1_000 } } }),
    run(2, { x: { counts: { bits: 3 }, seeds: { from: 1, to: 5 } } }),
    run(3, { y: { counts: { bits: 500 } } }),
    run(4, { x: { counts: { bits: 4, kills: 1 }, seeds: { from: 5, to: 9 }, failures: ['no'] } }),
  ]
  const total = totalOf(results, 'x')
  expect([...(total?.counts ?? [])]).toEqual([
    ['bits', 7],
    ['kills', 1],
  ])
  expect(total).toMatchObject({ state: 'new', runs: 2, seconds: 20, failures: 1, nextSeed: 9 })
  expect(totalOf(results, 'x', 'old')?.counts.get('bits')).toBe(1_000)
  expect(totalOf(results, 'x', 'never seen')).toBeUndefined()
})

test('a list is done when its parts follow each other to the end', () => {
  const part = (from: number, to: number, ended: boolean) => ({ x: { list: { from, to, ended } } })
  const [first, second] = [run(1, part(0, 40, false)), run(2, part(40, 60, true))]
  expect(totalOf([first], 'x')?.list).toEqual({ to: 40, ended: false })
  expect(totalOf([first, second], 'x')?.list).toEqual({ to: 60, ended: true })
  expect(totalOf([second], 'x')?.list).toEqual({ to: 0, ended: false })
})

test('what two runs have both done is refused: it would count twice', () => {
  const results = [1, 2].map((day) => run(day, { x: { seeds: { from: 1, to: 5 } } }))
  expect(() => totalOf(results, 'x')).toThrow(/have done the same of its seeds/)
})

test('a run that is recorded is read again, and names no host and no path', () => {
  const folder = mkdtempSync(join(tmpdir(), 'qlog-lab-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const { trials } = run(1, { x: { counts: { bits: 3 } } })
  const name = recordRun(folder, trials)
  expect(readResults(folder)).toMatchObject([{ trials }])
  expect(readFileSync(join(folder, name), 'utf8')).not.toMatch(/"\/|home|tmp/)
})

test('the state of a source does not know its comments and types, and knows everything else', () => {
  const stateWith = (text: string): string => {
    const folder = mkdtempSync(join(tmpdir(), 'qlog-lab-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    mkdirSync(join(folder, 'src', 'part'), { recursive: true })
    writeFileSync(join(folder, 'src', 'part', 'one.ts'), text)
    writeFileSync(join(folder, 'src', 'other.ts'), `export const chance = ${Math.random()}`)
    return sourceState(folder, ['part'])
  }
  const state = stateWith('export const limit = 3')
  expect(state).toMatch(/^[0-9a-f]{12}$/)
  expect(stateWith('/** Why. */\nexport const limit: number = 3 // so many')).toBe(state)
  expect(stateWith('export const limit = 4')).not.toBe(state)
})
