/**
 * Goal: a write that was cut off in front of its last bit ends the log where it carries nothing, or where a
 * sector begins, and is not passed over where it may be an acknowledged message. Method: the last byte of the
 * last block, which holds one bit, is zero, and no index says more.
 */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseSegmentFileName } from '../../src/format/layout.ts'
import { openLog } from '../../src/index.ts'
import { verifyLog } from '../../src/inspect/verify.ts'
import { realSystem } from '../../src/system/real/real-system.ts'
import { freshDirectory } from '../real/support.ts'

/** A message whose last byte holds one bit. */
const LAST = 'the last one '

async function closedLog(): Promise<string> {
  const directory = freshDirectory()
  const log = await openLog(directory)
  for (const text of ['one', 'two', LAST]) await log.append(Buffer.from(text))
  await log.close()
  for (const name of ['index.a', 'index.b']) rmSync(join(directory, name), { force: true })
  return directory
}

/** Clears the last byte of the newest segment that is not zero, from `before` on backwards. */
function cutOff(directory: string, before?: string): void {
  const names = readdirSync(directory).filter((name) => parseSegmentFileName(name) !== undefined)
  for (const name of names.sort().reverse()) {
    const file = join(directory, name)
    const bytes = readFileSync(file)
    const end = before === undefined ? bytes.length : bytes.indexOf(before) + before.length
    const last = bytes.findLastIndex((value, at) => at < end && value !== 0)
    if (last < 4096 || (before !== undefined && !bytes.includes(before))) continue
    const value = bytes[last] ?? 0
    expect(value & (value - 1), 'one bit').toBe(0)
    if (before === undefined) bytes[last] = 0
    else bytes.fill(0, last)
    writeFileSync(file, bytes)
    return
  }
  throw new Error('no segment holds it')
}

test('a CLEAN that was cut off inside its time costs nothing: the log opens with all it had', async () => {
  const directory = await closedLog()
  cutOff(directory)
  const log = await openLog(directory)
  const texts: string[] = []
  for await (const { body } of log.read()) texts.push(Buffer.from(body).toString())
  expect(texts).toEqual(['one', 'two', LAST])
  expect(log.stats().nextId).toBe(4)
  expect(log.stats().gaps).toEqual([])
  await log.close()
})

test('a message that may have been acknowledged is not taken for one that was cut off', async () => {
  const directory = await closedLog()
  cutOff(directory, LAST)
  await expect(openLog(directory)).rejects.toMatchObject({ code: 'QLOG_DAMAGED' })
})

/** A message of so many bytes whose last eight hold one bit, first of them. */
function bodyOf(bytes: number): Buffer {
  const body = Buffer.alloc(bytes, 7)
  body.fill(0, bytes - 8)
  body[bytes - 8] = 1
  return body
}

/** As after a power cut: what was appended last is nowhere claimed. */
async function killedLog(body: Buffer): Promise<{ directory: string; file: string; at: number }> {
  const source = freshDirectory()
  const directory = freshDirectory()
  const log = await openLog(source)
  await log.append(Buffer.from('the first'))
  await log.append(body)
  cpSync(source, directory, { recursive: true, filter: (path) => !/LOCK|lock-/.test(path) })
  await log.close()
  for (const name of readdirSync(directory)) {
    const file = join(directory, name)
    const at = parseSegmentFileName(name) ? readFileSync(file).lastIndexOf(body) : -1
    if (at > 0) return { directory, file, at }
  }
  throw new Error('no segment holds it')
}

test('a message that was cut off where its last sector begins, one bit away from whole, is a torn end', async () => {
  const { at } = await killedLog(bodyOf(64))
  // The last eight bytes alone stand in the next sector.
  const bytes = 512 - (at % 512) + 8
  const body = bodyOf(bytes)
  const killed = await killedLog(body)
  expect(killed.at).toBe(at)
  const content = readFileSync(killed.file)
  const sectorAt = at + bytes - 8
  expect(sectorAt % 512).toBe(0)
  expect(content[sectorAt]).toBe(1)
  content.fill(0, sectorAt, sectorAt + 8)
  writeFileSync(killed.file, content)
  const { findings } = await verifyLog(realSystem(), killed.directory)
  expect(findings.map(({ row }) => row)).not.toContain('rot-single-bit')
  const log = await openLog(killed.directory)
  const texts: string[] = []
  for await (const message of log.read()) texts.push(Buffer.from(message.body).toString())
  expect(texts).toEqual(['the first'])
  await log.close()
})
