/**
 * The same commands for a store in memory as fast-check makes them: what fails is made as short as it can
 * be, and printed with the seed that repeats it.
 */
import fc from 'fast-check'
import { test } from 'vitest'
import { type Command, KINDS, weightOf } from './commands.ts'
import { Schedule } from './schedule.ts'
import { runWatched } from './schedules.ts'

const RUNS = Number(process.env['QLOG_STORE_RUNS'] ?? 300)

const commandOf: fc.Arbitrary<Command> = fc.oneof(
  ...KINDS.map((kind) => ({
    arbitrary: fc.record({ kind: fc.constant(kind), dice: fc.nat(2 ** 31 - 1) }),
    weight: weightOf(kind),
  })),
)

test('a store in memory is what the reference says, in as few commands as show it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(commandOf, { minLength: 1, maxLength: 60 }),
      fc.nat(2 ** 31 - 1),
      async (commands, seed) => {
        await runWatched(new Schedule({ kind: 'memory', seed, commands }))
      },
    ),
    { numRuns: RUNS },
  )
})
