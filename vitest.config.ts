import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { configDefaults, defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

// Counting tests from words on a terminal is guesswork, so a run can also leave a report as JSON.
const report = process.env['QLOG_TEST_REPORT']

/** Tests that compare two servers second by second run when all others have ended, one file at a time. */
const BY_THE_CLOCK = ['test/protocols/differential/**/*.test.ts']

/** What only computes: in these nothing waits, and more of them than there are processors hinder each other. */
const COMPUTING = ['test/{damage,simulation}/**/*.test.ts', 'test/store/model/**/*.test.ts']

/**
 * A process of its own for each file: most of these start others, or run so long that one more is nothing. The
 * rest shares a few, and is spared what starting one costs.
 */
const OWN_PROCESS = ['test/{bench,cli,docs,real,tools}/**/*.test.ts']

/**
 * With a process on each processor, V8's helpers for compiling and collecting only take from the others; young
 * objects by the thousand are collected less often where they have more room.
 */
const ALL_BUSY = ['--single-threaded', '--min-semi-space-size=64', '--max-semi-space-size=64']

/**
 * Files that share processes come last, one behind the other: a process is kept for the next of them only. The
 * random schedules come first of those that compute, since they take longest, and are small files.
 */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.toSorted((one, other) => rankOf(one) - rankOf(other))
  }
}

function rankOf({ project, moduleId }: TestSpecification): number {
  if (project.config.isolate === false) return 2
  return moduleId.includes('/test/simulation/schedules-') ? 0 : 1
}

export default defineConfig({
  // The sources here, not what was compiled from them last.
  resolve: { alias: { 'qlog/native-free': join(import.meta.dirname, 'native-free/index.ts') } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'own process',
          include: OWN_PROCESS,
        },
      },
      {
        extends: true,
        test: {
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...OWN_PROCESS, ...COMPUTING, ...BY_THE_CLOCK],
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'computing',
          include: COMPUTING,
          maxWorkers: availableParallelism(),
          execArgv: ALL_BUSY,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: BY_THE_CLOCK,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
    sequence: { sequencer: LongestFirst },
    pool: 'forks',
    // The default leaves one core idle, which on two is half of the machine; and some files wait for most of their time.
    maxWorkers: availableParallelism() + 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
  },
})
