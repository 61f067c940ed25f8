/**
 * Goal: beside a living writer, whose segments retire and whose tail moves, nothing is called damage.
 * Method: a writer that appends and discards without pause, and the inspection again and again.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { openLog } from '../../src/index.ts'
import { dump, segments, verify } from '../../src/inspect/index.ts'

/** Looks at the log beside the writer. */
const LOOKS = 40

function freshDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'qlog-verify-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

it('a log that is being written and retired is fine at every look', async () => {
  const directory = join(freshDirectory(), 'log')
  const log = await openLog(directory, { segmentBytesMin: 16 * 1024, segmentBytesMax: 32 * 1024 })
  let writing = true
  const bodies = Array.from({ length: 50 }, (_, i) => `line ${i} `.padEnd(200, '.'))
  await log.appendMany(bodies)
  const writer = (async () => {
    while (writing) {
      const { firstId } = await log.appendMany(bodies)
      if (firstId > 500) log.discard(1, firstId - 400)
    }
  })()
  const verdicts = new Set<string>()
  const findings: unknown[] = []
  const numbers = new Set<number>()
  for (let look = 0; look < LOOKS; look++) {
    const report = await verify(directory)
    verdicts.add(report.verdict)
    findings.push(...report.findings.filter(({ level }) => level !== 'note'))
    for (const { number } of await segments(directory)) numbers.add(number)
    if (look % 10 === 0) for await (const item of dump(directory)) expect(item.kind).toBeDefined()
  }
  writing = false
  await writer
  await log.close()
  expect(findings).toEqual([])
  expect([...verdicts]).toEqual(['fine'])
  // Without retired segments this test would have shown nothing.
  expect(numbers.size).toBeGreaterThan(10)
}, 60_000)
