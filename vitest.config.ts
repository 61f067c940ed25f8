import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { configDefaults, defineConfig } from 'vitest/config'

// Counting tests from words on a terminal is guesswork, so a run can also leave a report as JSON.
const report = process.env['QLOG_TEST_REPORT']

/** Tests that compare two servers second by second run when all others have ended, one at a time. */
const BY_THE_CLOCK = ['test/protocols/differential/**/*.test.ts']

export default defineConfig({
  // The sources here, not what was compiled from them last.
  resolve: { alias: { 'qlog/native-free': join(import.meta.dirname, 'native-free/index.ts') } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...BY_THE_CLOCK],
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: BY_THE_CLOCK,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
    pool: 'forks',
    // The default leaves one core idle, which on two is half of the machine; and some files wait for most of their time.
    maxWorkers: availableParallelism() + 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
  },
})
