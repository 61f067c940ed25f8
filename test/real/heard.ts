/** What a process says, line by line as it says it, for an oracle. */
import type { Running } from './children.ts'

/** A process that has not said so much by then never will. */
const SAY_MS_MAX = 60_000

export interface Heard {
  untilOpen(): Promise<void>
  /** Until it has said so many lines since it was open, or has ended. */
  untilSaid(lines: number): Promise<void>
  /** All of it; rejects where that was wrong. */
  readonly all: Promise<void>
}

/** A pipe that nobody empties would stop the process, so everything is heard at once. */
export function hearAll(running: Running, hear: (line: string) => void): Heard {
  /** Lines since it was open, and that one; 0 where it is not. */
  let said = 0
  let look: () => void = () => undefined
  const hearLines = async (): Promise<void> => {
    for await (const line of running.lines) {
      hear(line)
      if (said > 0 || line === 'open' || line.startsWith('open ')) said += 1
      look()
    }
  }
  const all = hearLines()
  // It is awaited in the end; until then its failure waits.
  all.catch(() => undefined)
  const until = async (lines: number, what: string): Promise<void> => {
    let timer: NodeJS.Timeout | undefined
    const isSaid = new Promise<void>((resolve) => {
      look = () => {
        if (said >= lines) resolve()
      }
    })
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`it does not ${what}`)), SAY_MS_MAX)
    })
    look()
    try {
      await Promise.race([isSaid, all, late])
    } finally {
      clearTimeout(timer)
    }
  }
  const untilOpen = async (): Promise<void> => {
    await until(1, 'open')
    if (said === 0) throw new Error(`it ended before it was open: ${running.complaints()}`)
  }
  const untilSaid = (lines: number): Promise<void> => until(lines + 1, `say ${lines} lines`)
  return { untilOpen, untilSaid, all }
}
