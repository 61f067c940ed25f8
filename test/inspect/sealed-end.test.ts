/**
 * The newest segment and the index are gone, or the segment is torn, and the one in front of it ends with a
 * SEAL: everything that judges a directory says the same of it, `rot-newest-missing`.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Gap } from '../../src/errors.ts'
import { openLog, openReader } from '../../src/index.ts'
import { backup, salvage, segments, verify } from '../../src/inspect/index.ts'

const small = { segmentBytesMin: 16_384, segmentBytesMax: 16_384 }

test.each(['missing', 'torn'] as const)('what followed a SEAL is %s', async (how) => {
  const { directory, sealed, last } = await makeLog()
  if (how === 'missing') rmSync(join(directory, last))
  else tear(join(directory, last))
  const finding = { row: 'rot-newest-missing', file: sealed, level: 'rot', bytes: 0 }

  const report = await verify(directory)
  expect(report.verdict).toBe('rot')
  expect(report.findings.filter(({ level }) => level === 'rot')).toMatchObject([finding])
  expect(report.findings.map(({ detail }) => detail).join()).toContain('the segment is sealed')

  const [found] = report.findings.filter(({ level }) => level === 'rot')
  const place = { file: sealed, offset: found?.offset, bytes: 0 }
  await expect(openLog(directory, small)).rejects.toMatchObject({
    code: 'QLOG_DAMAGED',
    gaps: [place],
  })
  expect(await gapsOf(directory)).toMatchObject([place])
  await expect(backup(directory, `${directory}-copy`)).rejects.toMatchObject({
    code: 'QLOG_DAMAGED',
    gaps: [place],
  })
  const saved = await salvage(directory, `${directory}-saved`)
  expect(saved.losses).toMatchObject([{ ...place, firstId: found?.endId, endId: found?.endId }])
  // How many messages stood there nobody knows: that none is lost must not be said.
  expect(saved.endUnknown).toContain('the segment is sealed')
  const files = (await segments(directory)).map(({ file }) => file)
  expect(files).toEqual([...new Set(files)])
})

test('a newest segment that is told as rot is not told as missing too', async () => {
  const { directory, last } = await makeLog()
  const bytes = readFileSync(join(directory, last))
  writeFileSync(join(directory, last), bytes.fill(0, 0, 4_096))
  const { findings } = await verify(directory)
  expect(findings.map(({ row, file }) => [row, file])).toEqual([['rot-header', last]])
  expect(await gapsOf(directory)).toMatchObject([{ file: last }])
})

test('damage in front of a SEAL does not hide that what followed it is missing', async () => {
  const { directory, sealed, last } = await makeLog()
  rmSync(join(directory, last))
  const bytes = readFileSync(join(directory, sealed))
  bytes.writeUInt8(bytes.readUInt8(9_000) ^ 4, 9_000)
  writeFileSync(join(directory, sealed), bytes)
  const { findings } = await verify(directory)
  expect(findings.map(({ row }) => row)).toEqual(['rot-below-d', 'rot-newest-missing'])
})

/** A log without its index whose last two segments are given. */
async function makeLog(): Promise<{ directory: string; sealed: string; last: string }> {
  const root = mkdtempSync(join(tmpdir(), 'qlog-sealed-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const directory = join(root, 'log')
  const log = await openLog(directory, small)
  for (let i = 0; i < 20; i++) await log.append(`message ${i} `.padEnd(1_500, '.'))
  await log.close()
  for (const name of ['index.a', 'index.b']) rmSync(join(directory, name), { force: true })
  const files = readdirSync(directory).filter((name) => name.endsWith('.qls'))
  const [sealed = '', last = ''] = files.sort().slice(-2)
  return { directory, sealed, last }
}

/** Of the first group its LINK alone has arrived, and nothing behind. */
function tear(path: string): void {
  const bytes = readFileSync(path)
  bytes.fill(0, 4_096 + 600)
  writeFileSync(path, bytes)
}

async function gapsOf(directory: string): Promise<Gap[]> {
  const reader = await openReader(directory)
  const gaps: Gap[] = []
  for await (const _batch of reader.readBatches({ onGap: (gap) => gaps.push(gap) }));
  await reader.close()
  return gaps
}
