/**
 * A backup that is cut off at any call: under its name there is a whole copy or nothing, and the log that is
 * copied stays what it was, whether its writer had closed it or was killed.
 */
import { systemErrorCode } from '../../src/errors.ts'
import { backupLog } from '../../src/inspect/backup.ts'
import { verifyLog } from '../../src/inspect/verify.ts'
import { openPublicLog } from '../../src/log/open.ts'
import { openPublicReader } from '../../src/log/open-reader.ts'
import type { LogReader } from '../../src/log/types.ts'
import type { System } from '../../src/system/system.ts'
import type { Life } from '../simulation/lives.ts'

const LOG = '/d/log'
const COPY = '/d/copy'
const SMALL = { segmentBytesMin: 16_384, segmentBytesMax: 16_384, idleSyncMs: 0 }
const MESSAGES = 12
const RETIRED_MS = 50

export interface KnownBackup {
  /** What the log holds, a line for each message. */
  text: string
  isDone: boolean
}

async function textOf(reader: LogReader): Promise<string> {
  const lines: string[] = []
  for await (const { id, body } of reader.read()) {
    lines.push(`${id} ${body.length} ${Buffer.from(body.subarray(0, 8)).toString('latin1')}`)
  }
  return lines.join('\n')
}

async function textIn(system: System, directory: string): Promise<string> {
  const reader = await openPublicReader(system, directory)
  const text = await textOf(reader)
  await reader.close()
  return text
}

async function expectWhole(system: System, directory: string, wanted: string): Promise<void> {
  const { verdict, findings } = await verifyLog(system, directory)
  const what = findings.map(({ file, detail }) => `${file}: ${detail}`).join('; ')
  if (verdict !== 'fine') throw new Error(`${directory} is ${verdict}: ${what}`)
  const text = await textIn(system, directory)
  if (text !== wanted) throw new Error(`${directory} holds\n${text}\nand not\n${wanted}`)
}

async function exists(system: System, path: string): Promise<boolean> {
  try {
    await system.files.stat(path)
    return true
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error
    return false
  }
}

function backupLife(ending: 'closed' | 'killed'): Life<KnownBackup> {
  return {
    name: `a backup of a log that was ${ending}`,
    begin: () => ({ text: '', isDone: false }),
    copy: (known) => ({ ...known }),
    prepare: async (system, known) => {
      const log = await openPublicLog(system, LOG, SMALL)
      const bodies = Array.from({ length: MESSAGES }, (_, row) => `${row}`.padEnd(3_000, 'b'))
      for (const body of bodies) await log.append(body)
      log.discard(1, 4)
      await log.append('the last')
      // What is discarded goes before anybody copies.
      await new Promise<void>((resolve) => system.clock.after(RETIRED_MS, resolve))
      known.text = await textOf(log)
      if (ending === 'closed') await log.close()
    },
    act: async (system, known) => {
      try {
        await backupLog(system, LOG, COPY)
      } catch (error) {
        if (await exists(system, COPY)) throw new Error('a copy that was refused has its name')
        throw error
      }
      known.isDone = true
    },
    check: async (system, known, round) => {
      if ((await textIn(system, LOG)) !== known.text) throw new Error('the log is not what it was')
      if (await exists(system, COPY)) await expectWhole(system, COPY, known.text)
      else if (known.isDone) throw new Error('the copy is gone')
      // Seen again, it stays.
      known.isDone ||= await exists(system, COPY)
      const again = `/d/again-${round}`
      await backupLog(system, LOG, again)
      await expectWhole(system, again, known.text)
    },
  }
}

export const BACKUP_LIVES: readonly Life<KnownBackup>[] = [
  backupLife('closed'),
  backupLife('killed'),
]
