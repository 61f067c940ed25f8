import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

// Counting tests from words on a terminal is guesswork, so a run can also leave a report as JSON.
const report = process.env['QLOG_TEST_REPORT']

export default defineConfig({
  // The sources here, not what was compiled from them last.
  resolve: { alias: { 'qlog/native-free': join(import.meta.dirname, 'native-free/index.ts') } },
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // The default leaves one core idle, which on two cores is half of the machine.
    maxWorkers: '100%',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
  },
})
