/**
 * A full disk, a real one: appends are refused with QLOG_DISK_FULL, the log stays open, and goes on when
 * there is space again. Needs to mount a small file system, which only root can.
 */
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { expect, test } from 'vitest'
import { type Log, openLog } from '../../src/index.ts'
import { freshDirectory } from './support.ts'

const canMount =
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  withMount((directory) => fs.existsSync(directory)) === true
if (!canMount) console.warn('SKIPPED: a full disk needs Linux, root and mount(8)')

test.skipIf(!canMount)(
  'a full disk refuses appends until there is space, and loses none',
  async () => {
    await withMount(async (directory) => {
      fs.writeFileSync(`${directory}/ballast`, Buffer.alloc(1_000_000))
      const log = await openLog(`${directory}/log`, {
        segmentBytesMin: 65_536,
        segmentBytesMax: 262_144,
      })
      const taken = await fill(log)
      expect(taken.length).toBeGreaterThan(20)
      expect(log.status).toBe('open')
      await expect(log.append(body(0))).rejects.toMatchObject({ code: 'QLOG_DISK_FULL' })
      await expect(log.appendMany([body(0), body(1)])).rejects.toMatchObject({
        code: 'QLOG_DISK_FULL',
      })
      expect(() => log.appendSync(body(0))).toThrow(
        expect.objectContaining({ code: 'QLOG_DISK_FULL' }),
      )
      expect(Buffer.from((await log.get(1))?.body ?? []).toString()).toBe(body(taken[0] ?? 0))

      fs.unlinkSync(`${directory}/ballast`)
      const more = await fill(log)
      expect(more.length).toBeGreaterThan(20)
      const before = log.nextId
      await log.close()
      const again = await openLog(`${directory}/log`)
      expect(again.nextId).toBe(before)
      const found: string[] = []
      for await (const message of again.read()) found.push(Buffer.from(message.body).toString())
      expect(found).toEqual([...taken, ...more].map(body))
      await again.close()
    })
  },
)

let nextBody = 1

function body(number: number): string {
  return `${number}:`.padEnd(4_000, 'x')
}

/** Appends until the disk is full; what was taken. */
async function fill(log: Log): Promise<number[]> {
  const taken: number[] = []
  for (;;) {
    const number = nextBody++
    try {
      await log.append(body(number))
      taken.push(number)
    } catch (error) {
      expect(error).toMatchObject({ code: 'QLOG_DISK_FULL' })
      return taken
    }
  }
}

function withMount<T>(work: (directory: string) => T): T | undefined {
  const directory = freshDirectory()
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'qlog-test', directory])
  if (status !== 0) return undefined
  const unmount = (): void => void spawnSync('umount', ['-l', directory])
  try {
    const result = work(directory)
    if (result instanceof Promise) return result.finally(unmount) as T
    unmount()
    return result
  } catch (error) {
    unmount()
    throw error
  }
}
