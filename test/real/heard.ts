/** What a process says, line by line as it says it, for an oracle. */
import type { Running } from './children.ts'

/** A process that has not begun by then never will. */
const OPEN_MS_MAX = 60_000

export interface Heard {
  untilOpen(): Promise<void>
  /** All of it; rejects where that was wrong. */
  readonly all: Promise<void>
}

/** A pipe that nobody empties would stop the process, so everything is heard at once. */
export function hearAll(running: Running, hear: (line: string) => void): Heard {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  const hearLines = async (): Promise<void> => {
    for await (const line of running.lines) {
      hear(line)
      if (line === 'open' || line.startsWith('open ')) open()
    }
  }
  const all = hearLines()
  // It is awaited in the end; until then its failure waits.
  all.catch(() => undefined)
  const untilOpen = async (): Promise<void> => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('it does not open')), OPEN_MS_MAX)
    })
    const ended = all.then(() => {
      throw new Error(`it ended before it was open: ${running.complaints()}`)
    })
    ended.catch(() => undefined)
    try {
      await Promise.race([opened, ended, late])
    } finally {
      clearTimeout(timer)
    }
  }
  return { untilOpen, all }
}
