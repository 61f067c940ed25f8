/** Who fails again and again is left out of the rest of a part, step by step, in the results too. */
import { expect, test } from 'vitest'
import { type Step, withPatience } from '../../../bench/peers/patience.ts'
import type { ResultLine } from '../../../bench/peers/result.ts'

interface Bench {
  readonly contenders: readonly { readonly id: string }[]
  readonly say: (line: string) => void
}

async function linesOf(steps: readonly Step<Bench>[]): Promise<string[]> {
  const bench = { contenders: [{ id: 'lmdb' }, { id: 'qlog-log' }], say: () => undefined }
  const lines: string[] = []
  for await (const line of withPatience(bench, steps)) {
    if (line.kind === 'failed' || line.kind === 'left-out')
      lines.push(`${line.kind} ${line.contender} ${line.what}`)
  }
  return lines
}

/** All that it is asked of fail, but for those that are named. */
function failing(what: string, ...able: readonly string[]): Step<Bench> {
  return {
    what,
    async *measure({ contenders }) {
      for (const { id: contender } of contenders) {
        if (able.includes(contender)) continue
        yield { kind: 'failed', contender, what, reason: 'made up' } satisfies ResultLine
      }
    },
  }
}

test('after three failures each step that is left has its line, and nobody else is left out', async () => {
  const steps = ['a', 'b', 'c', 'd', 'e'].map((what) => failing(what, 'lmdb'))
  expect(await linesOf(steps)).toEqual([
    'failed qlog-log a',
    'failed qlog-log b',
    'failed qlog-log c',
    'left-out qlog-log d',
    'left-out qlog-log e',
  ])
  // Failures of one part are no matter of another.
  expect(await linesOf(steps.slice(3))).toEqual(['failed qlog-log d', 'failed qlog-log e'])
})

test('a step that is about one contender says nothing of the others', async () => {
  const steps = ['a', 'b', 'c'].map((what) => failing(what))
  const ofLmdb = { ...failing('backlogs'), only: 'lmdb' }
  expect((await linesOf([...steps, ofLmdb])).slice(6)).toEqual(['left-out lmdb backlogs'])
})
