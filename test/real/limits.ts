/**
 * Limits of the process that look like a full disk or a broken one (3, 13): no file above a size (EFBIG, as a
 * quota would), and no descriptor left (EMFILE). Nothing acknowledged is lost, nothing fails for good.
 */
import { openLog } from '../../src/index.ts'
import { mixedBodyOf } from './acknowledged-messages.ts'
import { fixturePath, type Running, start } from './children.ts'
import { Speaker } from './speaker.ts'
import { verifySound } from './verify-sound.ts'

/** Why there are none here; undefined where there are. */
export function whyNoLimits(): string | undefined {
  return process.platform === 'win32' ? 'limits of a process need ulimit' : undefined
}

/** Of each: as many blocks of 512 bytes as the shell counts in. */
export const FILE_BLOCKS = { someSegments: [300, 1_900], noSegment: [20, 120] } as const

/** No file may grow beyond so many blocks: smaller segments are made, and smaller reserves. How many are acknowledged. */
export async function belowFileSize(
  directory: string,
  blocks: number,
  messages: number,
  round: number,
): Promise<number> {
  const acknowledged = new Acknowledged(round)
  const running = startBelow(`-f ${blocks}`, 'filling-writer.mjs', directory, String(round))
  const writer = new Speaker(running, `below ${blocks} blocks: the writer`, acknowledged.hear)
  await writer.until(() => acknowledged.count >= messages)
  await writer.close()
  await acknowledged.expectThere(directory)
  return acknowledged.count
}

/** No segment may be made at all: appends are refused so often, and the log stays open. */
export async function belowAnySegment(
  directory: string,
  blocks: number,
  refusals: number,
  round: number,
): Promise<void> {
  const acknowledged = new Acknowledged(round)
  const running = startBelow(`-f ${blocks}`, 'filling-writer.mjs', directory, String(round))
  const writer = new Speaker(running, `below ${blocks} blocks: the writer`, acknowledged.hear)
  let refused = 0
  await writer.until((line) => line === 'full' && ++refused > refusals)
  if (acknowledged.count > 0) throw new Error('a message was taken where no segment can be')
  await writer.close()
  await acknowledged.expectThere(directory)
}

/**
 * A process takes all of its descriptors but `left`, and goes on appending; halfway it gives them back. How many are
 * acknowledged.
 */
export async function withoutDescriptors(
  directory: string,
  left: number,
  messages: number,
  round: number,
): Promise<number> {
  const acknowledged = new Acknowledged(round)
  const words = [directory, left, messages, round].map(String)
  // Loading the package opens its files all at once, and needs some hundred.
  const running = startBelow('-n 1024', 'starved-writer.mjs', ...words)
  const others: string[] = []
  for await (const line of running.lines) {
    if (!acknowledged.hear(line)) others.push(line)
  }
  const code = await running.ended
  const isFine = code === 0 && /^hoarded \d+ EMFILE;open;closed$/.test(others.join(';'))
  if (!isFine) throw new Error(`${code}: ${others.join('; ').slice(0, 300)}`)
  if (acknowledged.count !== messages) throw new Error(`${acknowledged.count} of ${messages}`)
  await acknowledged.expectThere(directory)
  return acknowledged.count
}

/** Runs a fixture below a limit, as `ulimit` takes it. */
function startBelow(limit: string, fixture: string, ...args: string[]): Running {
  const command = `ulimit ${limit}; exec "$0" "$@"`
  return start('/bin/sh', ['-c', command, process.execPath, fixturePath(fixture), ...args])
}

/** What one writer said was durable. */
class Acknowledged {
  readonly #round: number
  readonly #numbers = new Map<number, number>()

  constructor(round: number) {
    this.#round = round
  }

  get count(): number {
    return this.#numbers.size
  }

  /** False where it is something else. */
  readonly hear = (line: string): boolean => {
    const [word, id, number] = line.split(' ')
    if (word !== 'ack') return false
    if (this.#numbers.has(Number(id))) throw new Error(`id ${id} was given again`)
    this.#numbers.set(Number(id), Number(number))
    return true
  }

  /** All are there as they were sent, and without the limit the log takes the next. */
  async expectThere(directory: string): Promise<void> {
    await verifySound(directory)
    const log = await openLog(directory)
    try {
      for (const [id, number] of this.#numbers) {
        const found = await log.get(id)
        const isSame = Buffer.from(found?.body ?? []).equals(mixedBodyOf(this.#round, number))
        if (!isSame) throw new Error(`message ${id} is missing, or has other bytes`)
      }
      await log.append('without the limit')
    } finally {
      await log.close()
    }
  }
}
